import type { User } from '@latchkey/contract'
import type { FastifyRequest } from 'fastify'
import { FlowError } from '../http/errors.ts'
import type { Profile } from '../providers/provider.ts'
import { rolesOf } from './roles.ts'

/** Someone who is about to be signed in. */
export interface AdmissionRequest {
  /** The provider's id. */
  readonly provider: string
  /** What the provider returned in this sign-in. */
  readonly profile: Profile
  /** The user who has signed in with this account before, or `null` for a new one. */
  readonly user: User | null
  /** The request to the callback route. */
  readonly request: FastifyRequest
}

/** The application's decision. Returning nothing admits the user unchanged. */
export interface AdmissionResult {
  /** Replaces all roles of the user. */
  readonly roles?: readonly string[] | undefined
}

/**
 * Decides whether someone may sign in. See `LatchkeyOptions.onAdmission`.
 *
 * @example
 * const onAdmission: OnAdmission = async ({ profile }) => {
 *   const member = await db.members.find(profile.subject)
 *   if (member === null) refuse('Ask your team lead for an account.')
 *   return { roles: member.roles }
 * }
 */
export type OnAdmission = (
  asked: AdmissionRequest,
) => AdmissionResult | undefined | Promise<AdmissionResult | undefined> | Promise<void>

/** How long `onAdmission` may take, in milliseconds. */
export const ADMISSION_TIMEOUT = 5_000

/**
 * Asks the application, and returns the roles that it gives, or `undefined`.
 * @throws FlowError `unavailable` after `ADMISSION_TIMEOUT`, or the application's own error
 */
export async function askApplication(
  onAdmission: OnAdmission,
  asked: AdmissionRequest,
): Promise<readonly string[] | undefined> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new FlowError('unavailable', `\`onAdmission\` took longer than 5 seconds`))
  }, ADMISSION_TIMEOUT)
  try {
    return checkResult(await Promise.race([onAdmission(asked), late.promise]))
  } finally {
    clearTimeout(timer)
  }
}

/** Rejects an invalid result, because a typo must not let anyone in. */
function checkResult(result: unknown): readonly string[] | undefined {
  if (result === undefined) return undefined
  const [unknown] = Object.keys(Object(result)).filter((name) => name !== 'roles')
  if (typeof result !== 'object' || result === null || unknown !== undefined) {
    throw new TypeError(
      'onAdmission must return undefined or { roles }, or call refuse(). To reject a sign-in, do not return false.',
    )
  }
  const { roles } = result as AdmissionResult
  return roles === undefined ? undefined : rolesOf(roles)
}
