import { errorSentences } from '@latchkey/contract'
import { continueWith, type Texts } from './texts.ts'

export const english: Texts = {
  language: 'en',

  continueWith,
  signIn: 'Sign in',
  signUp: 'Create your account',
  lastUsed: 'Last used',
  loading: 'Loading…',
  goingOn: 'Going on to {provider}…',
  loadingFailed: 'This could not be loaded. Please try again.',
  noProviders: 'Nobody can sign in at the moment.',
  tryAgain: 'Try again',
  close: 'Close',
  signedIn: 'You are signed in',

  signOut: 'Sign out',
  signOutOthers: 'Sign out everywhere else',
  signOutGlobal: 'Sign out everywhere',
  signingOut: 'Signing out…',
  signOutFailed: 'You are still signed in. Please try again.',

  accountOf: 'Account of {name}',
  account: 'Your account',
  profile: 'Profile',
  name: 'Name',
  unconfirmed: 'Not confirmed',
  save: 'Save',
  saved: 'Saved.',
  identities: 'Connected accounts',
  connect: 'Connect {provider}',
  disconnect: 'Disconnect',
  disconnectQuestion: 'You can no longer sign in with {provider} then.',
  disconnected: '{provider} is disconnected.',
  sessions: 'Where you are signed in',
  thisDevice: 'This device',
  unknownDevice: 'Unknown device',
  lastUsedAt: 'Last used {date}',
  since: 'Since {date}',
  signOutDevice: 'Sign out {device}',
  deviceSignedOut: '{device} is signed out.',
  othersSignedOut: 'You are signed out everywhere else.',
  export: 'Your data',
  exportNote: 'Everything kept about you, as a file.',
  download: 'Download',
  delete: 'Delete account',
  deleteQuestion: 'Your account and everything in it. This cannot be undone.',
  deleteNow: 'Delete for good',

  unknownError: 'The sign-in did not work. Please try again.',
  unknownProvider: 'The provider',
  // Marked as pure, so that a bundler leaves the table out of a page that does not use it.
  errors: /* @__PURE__ */ Object.assign({}, errorSentences, {
    unreachable: 'The server cannot be reached at the moment. Please try again shortly.',
    bad_answer: 'The server sent an answer that could not be read. Please try again later.',
  }),
}
