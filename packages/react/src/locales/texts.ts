// Every text of the components. This room promises: each language has all of them, a text that an application
// replaces is replaced everywhere, and a code that nobody knows still becomes a sentence.

import type { AuthErrorCode } from '../requests/auth-error.ts'

/** Every word that the components say. Strings only, so that a server component can pass them. */
export interface Texts {
  /** A BCP 47 tag, in whose manner dates are written. */
  readonly language: string

  // The card and its buttons
  /** A sign-in button's; `{provider}` is the company's name. */
  readonly continueWith: string
  /** Title of the card, and a link to the server's own page for browsers without JavaScript. */
  readonly signIn: string
  /** Title of the card with `purpose="sign-up"`. */
  readonly signUp: string
  /** Beside the provider that this browser last signed in with. */
  readonly lastUsed: string
  /** Read aloud while the server is asked. */
  readonly loading: string
  /** Read aloud after a sign-in button was pressed; `{provider}` is the company's name. */
  readonly goingOn: string
  /** Instead of what the server did not send. */
  readonly loadingFailed: string
  /** Where it is not known who is signed in, because the server did not respond. */
  readonly authFailed: string
  readonly noProviders: string
  readonly tryAgain: string
  /** Name of the button that closes a dialog. */
  readonly close: string
  /** Title of the card for a person who is signed in already. */
  readonly signedIn: string

  // Signing out
  readonly signOut: string
  /** `<SignOutButton scope="others">`. */
  readonly signOutOthers: string
  /** `<SignOutButton scope="global">`. */
  readonly signOutGlobal: string
  readonly signingOut: string
  readonly signOutFailed: string

  // The account
  /** Name of the user button; `{name}` is the person's. */
  readonly accountOf: string
  /** The same for a person without a name, and the title of the profile. */
  readonly account: string
  readonly profile: string
  readonly name: string
  /** Beside an address that the provider does not vouch for. */
  readonly unconfirmed: string
  readonly save: string
  readonly saved: string
  readonly identities: string
  /** `{provider}` is the company's name. */
  readonly connect: string
  readonly disconnect: string
  /** Asked before it is done; `{provider}` is the company's name. */
  readonly disconnectQuestion: string
  /** Said when it has been done; `{provider}` is the company's name. */
  readonly disconnected: string
  readonly sessions: string
  readonly thisDevice: string
  readonly unknownDevice: string
  /** `{date}` is a day and a time. */
  readonly lastUsedAt: string
  /** `{date}` is a day and a time. */
  readonly since: string
  /** Name of a button; `{device}` is as in "Firefox on Linux". */
  readonly signOutDevice: string
  /** Said when it has been done. */
  readonly deviceSignedOut: string
  /** The same for all of them at once. */
  readonly othersSignedOut: string
  readonly export: string
  readonly exportNote: string
  readonly download: string
  readonly delete: string
  readonly deleteQuestion: string
  readonly deleteNow: string

  // What went wrong
  /** For a code in the address bar that is not in `errors`. */
  readonly unknownError: string
  /** For `{provider}` in an error where the company is not known. Sentences begin with it. */
  readonly unknownProvider: string
  /** What to tell a person; `{provider}` is the company's name. */
  readonly errors: Readonly<Record<AuthErrorCode, string>>
}

/** Some of the texts, to say it in your own words. */
export interface TextOverrides extends Partial<Omit<Texts, 'errors'>> {
  readonly errors?: Partial<Texts['errors']>
}

/** English, for a page that has a button and no `<AuthProvider>`. It loads no other text. */
export const continueWith = 'Continue with {provider}'

export function withOverrides(texts: Texts, overrides: TextOverrides | undefined): Texts {
  if (overrides === undefined) return texts
  return { ...texts, ...overrides, errors: { ...texts.errors, ...overrides.errors } }
}

/** The sentence for a code from anywhere, the address bar included. */
export function errorSentence(
  { errors, unknownError, unknownProvider }: Texts,
  code: string,
  provider: string = unknownProvider,
): string {
  const sentence = Object.hasOwn(errors, code) ? errors[code as AuthErrorCode] : unknownError
  return fill(sentence, { provider })
}

/** Replaces each `{name}` in a text with the value of that name. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder)
}
