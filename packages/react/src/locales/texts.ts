// The texts of all components. This room promises: every language has all texts, a replaced text is replaced
// everywhere, and an unknown error code still gets a message.

import type { AuthErrorCode } from '../requests/auth-error.ts'

/** All texts of the components in one language. They are all strings, so that server components can pass them. */
export interface Texts {
  /** BCP 47 tag, which also determines the format of dates. */
  readonly language: string

  // The card and its buttons
  /** Label of a sign-in button. `{provider}` is the provider's name. */
  readonly continueWith: string
  /** Title of the card, and label of the link to the server's page for browsers without JavaScript. */
  readonly signIn: string
  /** Title of the card with `purpose="sign-up"`. */
  readonly signUp: string
  /** Label next to the provider that this browser last signed in with. */
  readonly lastUsed: string
  /** Announced by screen readers while a request is pending. */
  readonly loading: string
  /** Announced by screen readers after a click on a sign-in button. `{provider}` is the provider's name. */
  readonly goingOn: string
  /** Shown above a retry button in place of data that could not be loaded. */
  readonly loadingFailed: string
  /** Shown above a retry button if the session could not be loaded. */
  readonly authFailed: string
  /** Shown on a card without providers. */
  readonly noProviders: string
  readonly tryAgain: string
  /** Accessible name of the button that closes a dialog. */
  readonly close: string
  /** Title of the card for a user who is already signed in. */
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
  /** Accessible name of the user button. `{name}` is the user's name. */
  readonly accountOf: string
  /** The same for a user without a name. Also the title of the account page. */
  readonly account: string
  readonly profile: string
  readonly name: string
  /** Label next to an e-mail address that the provider has not verified. */
  readonly unconfirmed: string
  readonly save: string
  readonly saved: string
  readonly identities: string
  /** `{provider}` is the provider's name. */
  readonly connect: string
  readonly disconnect: string
  /** Asks for confirmation. `{provider}` is the provider's name. */
  readonly disconnectQuestion: string
  /** Confirms the result. `{provider}` is the provider's name. */
  readonly disconnected: string
  readonly sessions: string
  readonly thisDevice: string
  readonly unknownDevice: string
  /** `{date}` is a date and time. */
  readonly lastUsedAt: string
  /** When this device signed in. `{date}` is a date and time. */
  readonly since: string
  /** Accessible name of a button. It must contain `signOut`. `{device}` is, for example, "Firefox on Linux". */
  readonly signOutDevice: string
  /** Confirms the result. `{device}` is, for example, "Firefox on Linux". */
  readonly deviceSignedOut: string
  /** Confirms that all other devices are signed out. */
  readonly othersSignedOut: string
  readonly export: string
  readonly exportNote: string
  readonly download: string
  readonly delete: string
  readonly deleteQuestion: string
  readonly deleteNow: string

  // Errors
  /** Message for an unknown code in the address bar. */
  readonly unknownError: string
  /** Replaces `{provider}` in an error if the provider is unknown. Always at the start of a sentence. */
  readonly unknownProvider: string
  /** Messages by error code. `{provider}` is the provider's name. */
  readonly errors: Readonly<Record<AuthErrorCode, string>>
}

/** Replacements for individual texts. */
export interface TextOverrides extends Partial<Omit<Texts, 'errors'>> {
  readonly errors?: Partial<Texts['errors']>
}

/** The English text. A page with a button and no `<AuthProvider>` loads no other text. */
export const continueWith = 'Continue with {provider}'

/** Returns `texts` with the overrides. */
export function withOverrides(texts: Texts, overrides: TextOverrides | undefined): Texts {
  if (overrides === undefined) return texts
  return { ...texts, ...overrides, errors: { ...texts.errors, ...overrides.errors } }
}

/**
 * Returns the message for an error code. The code can be untrusted, for example from the address bar.
 *
 * @param provider the provider's name, if it is known
 * @example
 * errorSentence(texts, 'access_denied') // 'You cancelled the sign-in.'
 */
export function errorSentence(
  { errors, unknownError, unknownProvider }: Texts,
  code: string,
  provider: string = unknownProvider,
): string {
  const sentence = Object.hasOwn(errors, code) ? errors[code as AuthErrorCode] : unknownError
  return fill(sentence, { provider })
}

/** Replaces each `{name}` in a text with the value of that name. Placeholders with unknown names are kept. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder)
}
