import { FlowError, LatchkeyError, Refusal } from '../http/errors.ts'
import type { RefusalCode } from './provider.ts'

/** The longest sentence, in characters. It has to fit into a cookie. */
const LONGEST = 300

/**
 * Refuses the person who is signing in, with your own sentence. Call it in `onAdmission`. The sign-in page
 * shows the sentence as text.
 *
 * @param sentence 1 to 300 characters, without line breaks. It must say what the person can do.
 * @throws always
 *
 * @example
 * onAdmission: async ({ profile }) => {
 *   if (!(await isEmployee(profile.subject))) refuse('Ask your team lead for an account.')
 * }
 */
export function refuse(sentence: string): never
/**
 * Refuses the person who is signing in. Call it in `profile()` of a provider.
 *
 * @param code Decides which sentence the person sees.
 * @param reason A sentence for the server's log. It must not contain data from the provider.
 * @throws always
 *
 * @example
 * profile({ user }) {
 *   if (user.type === 'bot') refuse('provider_refused', 'Bots cannot sign in.')
 *   return { subject: id(user.id) }
 * }
 */
export function refuse(code: RefusalCode, reason: string): never
export function refuse(first: string, reason?: string): never {
  if (reason !== undefined) throw new FlowError(first as RefusalCode, reason)
  const isSentence = typeof first === 'string' && first.trim() !== '' && first.length <= LONGEST
  if (isSentence && !/\p{Cc}/u.test(first)) throw new Refusal(first)
  throw new LatchkeyError(
    'LATCHKEY_ARGUMENT_INVALID',
    `refuse(): the sentence must have 1 to ${LONGEST} characters, without line breaks.`,
  )
}
