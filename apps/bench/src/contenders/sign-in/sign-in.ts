import type { FastifyInstance } from 'fastify'
import type { Place } from '../contender.ts'

/** One way of signing people in at a provider, and of knowing them afterwards by `GET /me`. */
export interface SignInContender {
  readonly title: string
  /** The packages that it consists of, Fastify aside. */
  readonly packages: readonly string[]
  /** What is kept of a sign-in, and where. */
  readonly keeps: string
  /** What a click on the button asks for: a redirect, or with a body the JSON that names the place. */
  readonly start: { readonly path: string; readonly body?: object }
  /** @param provider The origin of `provider.ts`. */
  build(provider: string, place: Place): Promise<FastifyInstance>
}

/** Where browsers would reach the server. Ours go to its port, whatever it is. */
export const ORIGIN = 'http://localhost:3000'

export const CLIENT = { id: 'an-id', secret: 'a-client-secret' }

/** What Bitbucket's API says. */
export interface BitbucketUser {
  readonly uuid: string
  readonly display_name: string
}

export interface BitbucketEmails {
  readonly values: readonly {
    readonly email: string
    readonly is_primary: boolean
    readonly is_confirmed: boolean
  }[]
}

export function primaryEmail({ values }: BitbucketEmails): string {
  return values.find((value) => value.is_primary && value.is_confirmed)?.email ?? ''
}
