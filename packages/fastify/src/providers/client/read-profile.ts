import { checkProfile } from '../check-profile.ts'
import type { Answers, Profile, Provider } from '../provider.ts'
import type { Deadline } from './deadline.ts'
import { type Ask, runSteps } from './run-steps.ts'

/** What a sign-in knows about a person before it sends the steps. */
export interface Known {
  /** The verified claims. Empty without OpenID Connect. */
  readonly claims: Answers['claims']
  readonly posted: Answers['posted']
  readonly warnings: readonly string[]
}

/**
 * Sends the steps of a provider, and turns the answers into a checked profile.
 * @throws FlowError; whatever `profile()` throws
 */
export async function readProfile(
  provider: Provider,
  { claims, posted, warnings }: Known,
  ask: Ask,
  deadline: Deadline,
): Promise<Profile> {
  const steps = await runSteps(provider, ask, deadline)
  const answers = { ...steps.answers, claims, posted } as Answers
  const raw = provider.openid === undefined ? steps.answers : { ...steps.answers, claims }
  const profile = checkProfile(provider, provider.profile(answers), raw)
  return { ...profile, warnings: [...warnings, ...steps.warnings, ...profile.warnings] }
}
