/**
 * Every error code, with its message for users. A failed sign-in redirects to the page where it started, with
 * `?auth_error=<code>`. All other failures return the code in an `ErrorBody`. Replace `{provider}`, which is
 * always the first word, with the provider's name or "The provider".
 *
 * @example
 * const isKnown = Object.hasOwn(errorSentences, code)
 */
export const errorSentences = {
  // A failed sign-in.
  access_denied: 'You cancelled the sign-in.',
  account_inactive: '{provider} reports that this account is inactive.',
  email_missing: "{provider} didn't share an e-mail address. Add one there, then try again.",
  email_not_allowed:
    "You can't sign in with this e-mail address. Contact the site's administrator.",
  email_unverified:
    "{provider} hasn't verified this e-mail address. Verify it there, then try again.",
  flow_expired: 'Your sign-in timed out. Try again.',
  flow_missing: 'You started this sign-in in another browser or window. Start again here.',
  flow_used: 'This sign-in has already been completed. Start again.',
  provider_bad_answer: "{provider} sent a response we couldn't read. Try again later.",
  provider_refused: '{provider} refused the sign-in. Try again later.',
  provider_unavailable: "{provider} can't be reached right now. Try again in a moment.",
  refused: "You can't sign in here. Contact the site's administrator.",
  sign_up_closed: "You can't create an account here. Contact the site's administrator.",
  user_banned: "This account has been suspended. Contact the site's administrator.",

  // Any other failed request.
  cross_site: 'We blocked this request because it came from another site.',
  forbidden: "You don't have permission to do this.",
  invalid_request: "We couldn't process that request.",
  not_found: 'Page not found.',
  prefetch_refused: 'Click a link or button to open this page.',
  too_many_requests: 'Too many attempts. Wait a moment, then try again.',
  reauth_required: "Sign in again to confirm it's you.",
  server_error: 'Something went wrong on our end. Try again.',
  unauthenticated: 'Sign in to continue.',
  unavailable: "This isn't available right now. Try again in a moment.",
} as const

/** One of the codes in `errorSentences`, which is a closed list. Switch on the code, never on a message. */
export type ErrorCode = keyof typeof errorSentences

/**
 * Returns the English message for an error code.
 *
 * @param provider the provider's name, if it is known
 * @example
 * errorSentence('provider_refused', 'Bitbucket') // 'Bitbucket refused the sign-in. Try again later.'
 */
export function errorSentence(code: ErrorCode, provider: string = 'The provider'): string {
  return errorSentences[code].replace('{provider}', () => provider)
}
