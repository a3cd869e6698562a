import type { FastifyInstance } from 'fastify'
import type { Place } from '../contender.ts'

/** A library that signs people in with a provider, and identifies them in `GET /me` afterwards. */
export interface SignInContender {
  readonly title: string
  /** The packages that it needs in addition to Fastify. */
  readonly packages: readonly string[]
  /** What is stored for a sign-in, and where. */
  readonly keeps: string
  /** The request after a click: a `GET` that redirects, or a `POST` with `body` that returns the URL. */
  readonly start: { readonly path: string; readonly body?: object }
  /** @param provider The origin of `provider.ts`. */
  build(provider: string, place: Place): Promise<FastifyInstance>
}

/** The configured origin of the server. The benchmark connects to its actual port. */
export const ORIGIN = 'http://localhost:3000'

export const CLIENT = { id: 'an-id', secret: 'a-client-secret' }

/** The user, as Bitbucket's API returns it. */
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
