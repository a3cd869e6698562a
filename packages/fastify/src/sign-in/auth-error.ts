import { type ErrorCode, errorSentence, errorSentences } from '@latchkey/contract'
import type { Provider } from '../providers/provider.ts'
import { escapeHtml } from './page-layout.ts'

/**
 * Returns the alert's HTML, with our own message for a known error code, or `''` if there is no error.
 * @param refusal The application's sentence, for the code `refused`.
 */
export function alert(
  authError: unknown,
  providers: readonly Provider[],
  refusal: string | null = null,
): string {
  if (authError === undefined || authError === null) return ''
  const code = knownCode(authError)
  if (code === null) return `<p role="alert">We couldn't sign you in. Try again.</p>`
  const [only] = providers.length === 1 ? providers : []
  const own = code === 'refused' ? refusal : null
  return `<p role="alert" data-code="${code}">${escapeHtml(own ?? errorSentence(code, only?.name))}</p>`
}

/** Returns an untrusted query value if it is one of our codes, or `null`. */
export function knownCode(untrusted: unknown): ErrorCode | null {
  const known = typeof untrusted === 'string' && Object.hasOwn(errorSentences, untrusted)
  return known ? (untrusted as ErrorCode) : null
}
