import { FlowError } from '../http/errors.ts'
import { isObject, type Profile, type Provider, type ReadProfile } from './provider.ts'
import { read } from './read.ts'

/**
 * Checks the profile that a provider has read, field by field, because a provider need not be
 * written in TypeScript.
 * @param answers The provider's answers, for listeners.
 * @throws FlowError `provider_bad_answer`; TypeError if the profile is a promise
 */
export function checkProfile(
  provider: Pick<Provider, 'isSubject' | 'vouchesForEmail'>,
  profile: unknown,
  answers: Profile['raw'],
): Profile {
  if (profile instanceof Promise) {
    // Node would report its rejection as unhandled and exit.
    profile.catch(() => undefined)
    throw new TypeError('profile() returned a promise. It must return an object')
  }
  if (!isObject(profile)) throw badAnswer('profile() did not return an object')
  const { subject, name, email, emailVerified, avatarUrl, active, attributes, warnings } =
    profile as Partial<ReadProfile>
  // A value of another type may mean that the account is closed.
  if (active !== undefined && typeof active !== 'boolean') {
    throw badAnswer('`active` in the profile is neither true nor false')
  }
  const address = read.email(email)
  return {
    subject: usableSubject(subject, provider),
    name: read.text(name),
    email: address,
    emailVerified:
      provider.vouchesForEmail && emailVerified === true && typeof address === 'string',
    avatarUrl: read.url(avatarUrl),
    active: active ?? true,
    attributes: textsOf(attributes),
    raw: answers,
    warnings: Array.isArray(warnings) ? warnings.filter((one) => typeof one === 'string') : [],
  }
}

/**
 * Returns a subject that is safe to store. A number is not: large numbers lose digits, so two people
 * could become one user.
 */
function usableSubject(subject: unknown, provider: Pick<Provider, 'isSubject'>): string {
  if (typeof subject !== 'string') {
    throw badAnswer('the profile has no `subject`, which must be a string')
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(subject)) {
    throw badAnswer('the `subject` is not 1 to 255 printable ASCII characters without spaces')
  }
  if (provider.isSubject(subject) !== true) {
    throw badAnswer("the `subject` does not have the form of the provider's ids")
  }
  return subject
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
