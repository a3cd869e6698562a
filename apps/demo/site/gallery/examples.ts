import type { ComponentType } from 'react'
import * as guards from './examples/guards.tsx'
import guardsSource from './examples/guards.tsx?raw'
import * as overview from './examples/overview.tsx'
import overviewSource from './examples/overview.tsx?raw'
import * as signIn from './examples/sign-in.tsx'
import signInSource from './examples/sign-in.tsx?raw'
import * as signInButton from './examples/sign-in-button.tsx'
import signInButtonSource from './examples/sign-in-button.tsx?raw'
import * as signOutButton from './examples/sign-out-button.tsx'
import signOutButtonSource from './examples/sign-out-button.tsx?raw'
import * as themes from './examples/themes.tsx'
import themesSource from './examples/themes.tsx?raw'
import * as userButton from './examples/user-button.tsx'
import userButtonSource from './examples/user-button.tsx?raw'
import * as userProfile from './examples/user-profile.tsx'
import userProfileSource from './examples/user-profile.tsx?raw'
import type { GalleryPart, Scenario } from './scenarios.ts'
import styles from './themes.css?raw'

export interface Example {
  /** Of the exported component, and of the address' fragment. */
  readonly name: string
  readonly title: string
  /** Which server it talks to. */
  readonly scenario: Scenario
  readonly Component: ComponentType
}

interface Examples {
  readonly title: string
  readonly about: string
  readonly source: string
  readonly examples: readonly Example[]
}

/** Each export with a title and a server. */
function examples<Name extends string>(
  components: Readonly<Record<Name, ComponentType>>,
  described: Readonly<Record<Name, readonly [title: string, scenario: Scenario]>>,
): readonly Example[] {
  return (Object.keys(described) as Name[]).map((name) => {
    const [title, scenario] = described[name]
    return { name, title, scenario, Component: components[name] }
  })
}

export const exampleParts: Readonly<Record<GalleryPart, Examples>> = {
  overview: {
    title: 'Overview',
    about: 'The components as they come. The pages above have each of them in every state.',
    source: overviewSource,
    examples: examples(overview, {
      Card: ['SignIn', 'several'],
      Account: ['UserProfile', 'everything'],
      Buttons: ['SignInButton', 'nobody'],
      Menu: ['UserButton', 'ada'],
    }),
  },
  'sign-in-button': {
    title: 'SignInButton',
    about:
      'A link to the provider that looks like a button. Press one: its provider takes four seconds to do nothing.',
    source: signInButtonSource,
    examples: examples(signInButton, {
      Default: ['As it comes', 'nobody'],
      Variants: ['Variants', 'nobody'],
      Sizes: ['Sizes', 'nobody'],
      OwnWords: ['In your words', 'nobody'],
      OtherProvider: ['Another provider', 'nobody'],
      Popup: ['In a popup', 'nobody'],
      OwnElement: ['Your own element', 'nobody'],
    }),
  },
  'sign-in': {
    title: 'SignIn',
    about: 'The card: what the server offers, what went wrong last time, or who is signed in.',
    source: signInSource,
    examples: examples(signIn, {
      Default: ['One provider', 'nobody'],
      Several: ['What the server offers, and what was used last', 'several'],
      WithAll: ['With a logo, a description and a footer', 'nobody'],
      SignUp: ['To sign up', 'several'],
      Brand: ['In the company’s colours', 'nobody'],
      Cancelled: ['After a change of mind', 'nobody'],
      Failed: ['After a failure', 'nobody'],
      Loading: ['While the server is asked', 'silent'],
      NotLoaded: ['While it is in trouble', 'failing'],
      NoProviders: ['Without a provider', 'closed'],
      SignedInAlready: ['For somebody who is signed in', 'ada'],
      Modal: ['In a dialog', 'nobody'],
      Narrow: ['At 240 pixels', 'several'],
    }),
  },
  'user-button': {
    title: 'UserButton',
    about: 'Who is signed in, and a menu.',
    source: userButtonSource,
    examples: examples(userButton, {
      Default: ['As it comes', 'ada'],
      WithName: ['With the name', 'ada'],
      Open: ['Open, with links of yours', 'ada'],
      Nameless: ['Without a name', 'nameless'],
      LongName: ['With a long one', 'long'],
    }),
  },
  'user-profile': {
    title: 'UserProfile',
    about: 'What people see and do of their own account, each part if the server offers it.',
    source: userProfileSource,
    examples: examples(userProfile, {
      Default: ['Devices alone, as the server has it today', 'ada'],
      Everything: ['All that there is', 'everything'],
      SomeParts: ['Some parts, in your order', 'everything'],
      Refusing: ['When each wish is refused', 'refusing'],
      Narrow: ['At 240 pixels', 'everything'],
    }),
  },
  'sign-out-button': {
    title: 'SignOutButton',
    about: 'A form with one button, for one’s own session, all others, or all.',
    source: signOutButtonSource,
    examples: examples(signOutButton, {
      Default: ['As it comes', 'ada'],
      Scopes: ['Everywhere else, and everywhere', 'ada'],
      Failing: ['When it fails', 'refusing'],
    }),
  },
  guards: {
    title: 'Guards',
    about: 'What is shown to whom. It decides what is shown, not what is allowed.',
    source: guardsSource,
    examples: examples(guards, {
      SomebodyIn: ['SignedIn and SignedOut, for somebody', 'ada'],
      NobodyIn: ['The same, for nobody', 'nobody'],
      NotKnownYet: ['AuthLoading', 'silent'],
      NotKnownYetStandIn: ['SignedOut, while the server is slow', 'silent'],
      Failed: ['AuthFailed', 'failing'],
      FailedOwnWords: ['AuthFailed, in your words', 'failing'],
      FailedStandIn: ['SignedIn and SignedOut, when the server is in trouble', 'failing'],
      Required: ['RequireAuth, for somebody', 'ada'],
      RequiredNotKnownYet: ['RequireAuth, while it is not known', 'silent'],
      RequiredFailed: ['RequireAuth, when the server is in trouble', 'failing'],
      Headless: ['useAuth', 'ada'],
    }),
  },
  themes: {
    title: 'Themes',
    about: 'How far the variables go: the same component, and nothing but variables around it.',
    source: themesSource,
    examples: examples(themes, {
      AsItComes: ['As it comes', 'several'],
      Paper: ['Paper', 'several'],
      Terminal: ['Terminal', 'several'],
      Round: ['Round', 'several'],
      Contrast: ['Contrast', 'several'],
      Brand: ['A company’s own colours', 'nobody'],
    }),
  },
}

/** What to write for an example: its function, and the variables of its theme. */
export function codeOf(part: GalleryPart, { name }: Example): string {
  const { source } = exampleParts[part]
  const code = between(source, `export function ${name}(`)
  const [theme] = /theme-\w+/.exec(code) ?? []
  return theme === undefined ? code : `${code}\n\n/* CSS */\n${between(styles, `.${theme} {`)}`
}

/** From where it begins to the brace that closes it. */
function between(source: string, beginning: string): string {
  const start = source.indexOf(beginning)
  return source.slice(start, source.indexOf('\n}', start) + 2)
}
