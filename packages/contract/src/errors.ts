/**
 * Every error code there is, with what to tell a person. A failed sign-in brings its code back to the
 * page where it began, as `?auth_error=<code>`; every other failure carries it in `ErrorBody`. Where a
 * sentence begins with `{provider}`, the company's name goes, or "The provider".
 */
export const errorSentences = {
  // A sign-in that did not end in a session.
  access_denied: 'You cancelled the sign-in. Nothing was changed.',
  account_inactive: '{provider} says that this account is not active.',
  flow_expired: 'The sign-in took too long. Please try again.',
  flow_missing: 'This sign-in was started in another browser or window. Please start again here.',
  flow_used: 'This sign-in was already completed. Please start again.',
  provider_bad_answer: '{provider} sent an answer that could not be read. Please try again later.',
  provider_refused: '{provider} refused the sign-in. Please try again later.',
  provider_unavailable: '{provider} cannot be reached at the moment. Please try again shortly.',
  user_banned: 'This account has been suspended here. Please ask whoever runs this site.',

  // A request that was not answered with what it asked for.
  cross_site: 'This request came from another site.',
  forbidden: 'You are not allowed to do this.',
  invalid_request: 'This could not be understood.',
  not_found: 'There is nothing here.',
  prefetch_refused: 'This page is only opened by a click.',
  too_many_requests: 'That was too often. Please try again shortly.',
  reauth_required: 'Please sign in again first, to confirm that it is you.',
  server_error: 'Something went wrong on our side. Please try again.',
  unauthenticated: 'Please sign in first.',
  unavailable: 'This is not possible at the moment. Please try again shortly.',
} as const

/** One of the closed list in `errorSentences`. Switch on this, never on a message. */
export type ErrorCode = keyof typeof errorSentences

/** What to tell a person about an error. `provider` is the name of the company, if it is known. */
export function errorSentence(code: ErrorCode, provider: string = 'The provider'): string {
  return errorSentences[code].replace('{provider}', () => provider)
}
