import { type ErrorCode, errorSentences } from '@latchkey/contract'

/** Every word that the components say. Strings only, so that a server component can pass them. */
export interface Texts {
  /** A sign-in button's; `{provider}` is the company's name. */
  readonly continueWith: string
  /** Title of the card. */
  readonly signIn: string
  /** Beside the provider that this browser last signed in with. */
  readonly lastUsed: string
  /** Read aloud while the card asks the server for its buttons. */
  readonly loading: string
  readonly providersFailed: string
  readonly noProviders: string
  readonly tryAgain: string
  /** Link to the hosted page, for browsers without JavaScript. */
  readonly openSignInPage: string
  /** Title of the card for a person who is signed in already. */
  readonly signedIn: string
  readonly signOut: string
  readonly signingOut: string
  readonly signOutFailed: string
  /** For a code in the address bar that is not in `errors`. */
  readonly unknownError: string
  /** For `{provider}` in an error where the company is not known; capitalised where a sentence begins. */
  readonly unknownProvider: string
  /** What to tell a person whose sign-in came back with an error code; `{provider}` is the company's name. */
  readonly errors: Readonly<Record<ErrorCode, string>>
}

/** Some of the texts, to say it in your own words. */
export interface TextOverrides extends Partial<Omit<Texts, 'errors'>> {
  readonly errors?: Partial<Texts['errors']>
}

/** Apart from the table, so that a page with a button alone does not load the sentences. */
export const continueWith = 'Continue with {provider}'

export const english: Texts = {
  continueWith,
  signIn: 'Sign in',
  lastUsed: 'Last used',
  loading: 'Loading the ways to sign in…',
  providersFailed: 'The ways to sign in could not be loaded. Please try again.',
  noProviders: 'There is no way to sign in at the moment.',
  tryAgain: 'Try again',
  openSignInPage: 'Go to the sign-in page',
  signedIn: 'You are signed in',
  signOut: 'Sign out',
  signingOut: 'Signing out…',
  signOutFailed: 'Signing out did not work, so you are still signed in. Please try again.',
  unknownError: 'The sign-in did not work. Please try again.',
  unknownProvider: 'the provider',
  errors: errorSentences,
}

export function withOverrides(texts: Texts, overrides: TextOverrides | undefined): Texts {
  if (overrides === undefined) return texts
  return { ...texts, ...overrides, errors: { ...texts.errors, ...overrides.errors } }
}

/** The sentence for a code from anywhere, the address bar included. */
export function errorSentence(texts: Texts, code: string, provider: string | undefined): string {
  const known: Readonly<Record<string, string>> = texts.errors
  const sentence = (Object.hasOwn(known, code) ? known[code] : undefined) ?? texts.unknownError
  if (provider !== undefined) return naming(sentence, provider)
  const { unknownProvider } = texts
  const capitalised = unknownProvider.charAt(0).toUpperCase() + unknownProvider.slice(1)
  const begun = sentence.replace(/(^|[.!?] )\{provider\}/g, (_, before) => before + capitalised)
  return naming(begun, unknownProvider)
}

/** Puts the provider's name wherever the text has `{provider}`. */
export function naming(text: string, provider: string): string {
  return text.replaceAll('{provider}', () => provider)
}
