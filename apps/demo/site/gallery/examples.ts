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
  /** The name of the exported component, also used as the URL fragment. */
  readonly name: string
  readonly title: string
  /** The simulated server. */
  readonly scenario: Scenario
  readonly Component: ComponentType
}

interface Examples {
  readonly title: string
  readonly about: string
  readonly source: string
  readonly examples: readonly Example[]
}

/** Combines each exported component with its title and simulated server. */
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
    about:
      'What the server of this version offers, with the default styles. The pages above show each component in every state.',
    source: overviewSource,
    examples: examples(overview, {
      Card: ['SignIn', 'signed-out'],
      Account: ['UserProfile', 'ada'],
      Buttons: ['SignInButton', 'signed-out'],
      Menu: ['UserButton', 'ada'],
    }),
  },
  'sign-in-button': {
    title: 'SignInButton',
    about:
      'A link to the provider, styled as a button. Press one to see it pending: the simulated provider takes four seconds.',
    source: signInButtonSource,
    examples: examples(signInButton, {
      Default: ['Default', 'signed-out'],
      Variants: ['Variants', 'signed-out'],
      Sizes: ['Sizes', 'signed-out'],
      OwnWords: ['Custom text', 'signed-out'],
      OtherProvider: ['Another provider', 'signed-out'],
      Popup: ['Popup', 'signed-out'],
      OwnElement: ['Custom element', 'signed-out'],
    }),
  },
  'sign-in': {
    title: 'SignIn',
    about: 'The sign-in card: providers, errors, and the account if someone is signed in.',
    source: signInSource,
    examples: examples(signIn, {
      Default: ['One provider', 'signed-out'],
      Several: ['Several providers, with the last used one', 'several'],
      Eight: ['Eight providers', 'eight'],
      WithAll: ['Logo, description and footer', 'signed-out'],
      SignUp: ['Sign-up', 'several'],
      Brand: ['Provider’s colours', 'signed-out'],
      Cancelled: ['Cancelled', 'signed-out'],
      Failed: ['Failed', 'signed-out'],
      Loading: ['Loading', 'silent'],
      NotLoaded: ['Server unavailable', 'failing'],
      NoProviders: ['No providers', 'closed'],
      SignedInAlready: ['Already signed in', 'ada'],
      Modal: ['Dialog', 'signed-out'],
      Narrow: ['240 pixels wide', 'several'],
    }),
  },
  'user-button': {
    title: 'UserButton',
    about: 'The signed-in user, with a menu.',
    source: userButtonSource,
    examples: examples(userButton, {
      Default: ['Default', 'ada'],
      WithName: ['With name', 'ada'],
      Open: ['Open, with your own links', 'ada'],
      Nameless: ['User without a name', 'nameless'],
      LongName: ['Long name', 'long'],
    }),
  },
  'user-profile': {
    title: 'UserProfile',
    about: 'Account settings. Each part appears if the server offers it.',
    source: userProfileSource,
    examples: examples(userProfile, {
      Default: ['Devices only, as the server offers today', 'ada'],
      Everything: ['All parts (most are not available yet)', 'everything'],
      SomeParts: ['Selected parts, in your order', 'everything'],
      Refusing: ['Every request rejected', 'refusing'],
      Narrow: ['240 pixels wide', 'everything'],
    }),
  },
  'sign-out-button': {
    title: 'SignOutButton',
    about: 'A button that signs out of this session, all other sessions, or all of them.',
    source: signOutButtonSource,
    examples: examples(signOutButton, {
      Default: ['Default', 'ada'],
      Scopes: ['Everywhere else, and everywhere', 'ada'],
      Failing: ['Failed', 'refusing'],
    }),
  },
  guards: {
    title: 'Guards',
    about: 'Conditional rendering by session. Guards control what is shown, not what is allowed.',
    source: guardsSource,
    examples: examples(guards, {
      WhenSignedIn: ['SignedIn and SignedOut, signed in', 'ada'],
      WhenSignedOut: ['SignedIn and SignedOut, signed out', 'signed-out'],
      NotKnownYet: ['AuthLoading', 'silent'],
      NotKnownYetStandIn: ['SignedOut, loading', 'silent'],
      Failed: ['AuthFailed', 'failing'],
      FailedOwnWords: ['AuthFailed, with custom content', 'failing'],
      FailedStandIn: ['SignedIn and SignedOut, server unavailable', 'failing'],
      Required: ['RequireAuth, signed in', 'ada'],
      RequiredNotKnownYet: ['RequireAuth, loading', 'silent'],
      RequiredFailed: ['RequireAuth, server unavailable', 'failing'],
      Headless: ['useAuth', 'ada'],
    }),
  },
  themes: {
    title: 'Themes',
    about: 'The same component with different CSS variables, and no other styles.',
    source: themesSource,
    examples: examples(themes, {
      AsItComes: ['Default', 'several'],
      Paper: ['Paper', 'several'],
      Terminal: ['Terminal', 'several'],
      Round: ['Round', 'several'],
      Contrast: ['Contrast', 'several'],
      Brand: ['Your brand’s colours', 'signed-out'],
    }),
  },
}

/** Returns the code of an example: its function, and the variables of its theme. */
export function codeOf(part: GalleryPart, { name }: Example): string {
  const { source } = exampleParts[part]
  const code = between(source, `export function ${name}(`)
  const [theme] = /theme-\w+/.exec(code) ?? []
  return theme === undefined ? code : `${code}\n\n/* CSS */\n${between(styles, `.${theme} {`)}`
}

/** Returns the block from `beginning` to its closing brace. */
function between(source: string, beginning: string): string {
  const start = source.indexOf(beginning)
  return source.slice(start, source.indexOf('\n}', start) + 2)
}
