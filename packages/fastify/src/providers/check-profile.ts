import { FlowError } from '../http/errors.ts'
import { isObject, type Profile, type Provider, type ReadProfile } from './provider.ts'
import { read } from './read.ts'

/**
 * Checks the profile that a provider has read, field by field, because a provider need not be
 * written in TypeScript.
 * @param answers The provider's answers, for listeners.
 * @throws FlowError `provider_bad_answer`
 */
export function checkProfile(
  provider: Pick<Provider, 'isSubject' | 'vouchesForEmail'>,
  profile: unknown,
  answers: Profile['raw'],
): Profile {
  if (!isObject(profile)) throw badAnswer('profile() did not return an object')
  const { subject, name, email, emailVerified, avatarUrl, active, attributes, warnings } =
    profile as Partial<ReadProfile>
  if (!isSubject(subject, provider)) throw badAnswer('the profile has no usable subject')
  const address = read.email(email)
  return {
    subject,
    name: read.text(name),
    email: address,
    emailVerified:
      provider.vouchesForEmail && emailVerified === true && typeof address === 'string',
    avatarUrl: read.url(avatarUrl),
    active: active !== false,
    attributes: textsOf(attributes),
    raw: answers,
    warnings: Array.isArray(warnings) ? warnings.filter((one) => typeof one === 'string') : [],
  }
}

/**
 * Whether a subject is safe to store. A number is not: large numbers lose digits, so two people
 * could become one user.
 */
function isSubject(
  subject: unknown,
  provider: Pick<Provider, 'isSubject'>,
): subject is Profile['subject'] {
  if (typeof subject !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(subject)) return false
  return provider.isSubject(subject)
}

function textsOf(attributes: unknown): Record<string, string> {
  const texts: Record<string, string> = {}
  if (!isObject(attributes)) return texts
  for (const [name, value] of Object.entries(attributes)) {
    const text = read.text(value, 255)
    if (typeof text === 'string') texts[name] = text
  }
  return texts
}

function badAnswer(reason: string): FlowError {
  return new FlowError('provider_bad_answer', reason)
}
