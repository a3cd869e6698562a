import { bitbucketMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, serverUrl, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider, Row } from './provider.ts'
import { read } from './read.ts'
import { refuse } from './refuse.ts'

/** The options of `bitbucketDataCenter()`. */
export interface BitbucketDataCenterOptions extends CompanyOptions {
  /** The base URL of the server, such as `https://bitbucket.example.com`. */
  readonly url: string | undefined
}

/**
 * Returns a Bitbucket Data Center (7.20 or newer) as a provider. Addresses never count as verified,
 * because its administrators enter them.
 * https://confluence.atlassian.com/bitbucketserver/bitbucket-oauth-2-0-provider-api-1108483661.html
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_MISSING`, `LATCHKEY_OPTION_INVALID` or
 *   `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * bitbucketDataCenter({
 *   url: 'https://bitbucket.example.com',
 *   clientId: process.env.BITBUCKET_DC_CLIENT_ID,
 *   clientSecret: process.env.BITBUCKET_DC_CLIENT_SECRET,
 * })
 */
export function bitbucketDataCenter(options: BitbucketDataCenterOptions): Provider {
  checkOptions('bitbucketDataCenter', options, ['url'])
  const url = serverUrl('bitbucketDataCenter', options.url)

  return defineProvider({
    ...common(options, 'bitbucket-data-center', 'Bitbucket'),
    mark: bitbucketMark,
    setup: setupOf('BITBUCKET_DC', 'Administration, Application links, of your server'),
    authorize: `${url}/rest/oauth2/latest/authorize`,
    token: `${url}/rest/oauth2/latest/token`,
    clientAuth: 'post',
    scope: ['PUBLIC_REPOS'],
    vouchesForEmail: false,
    steps: {
      // The body names nobody, but each response to a person's token carries their username.
      username: {
        url: `${url}/rest/api/latest/application-properties`,
        read: { header: 'x-ausername' },
      },
      // A longer list would exceed the size limit of a response.
      users: {
        url: ({ username }) =>
          `${url}/rest/api/latest/users?limit=500&filter=${encodeURIComponent(decoded(username))}`,
      },
    },
    isSubject: (subject) => /^\d+$/.test(subject),
    profile: ({ username, users }) => {
      const user = userNamed(users, decoded(username))
      return {
        subject: read.id(user.id),
        name: read.name(user.displayName, user.name),
        email: read.email(user.emailAddress),
        active: user.active === true,
        attributes: { username: read.text(user.name), slug: read.text(user.slug) },
      }
    },
  })
}

/**
 * Returns the username in a header, which is URL-encoded. A plus sign could be encoded or a space, and
 * so belong to either of two people.
 */
function decoded(header: unknown): string {
  const isUsable = typeof header === 'string' && /^(?:[^%+]|%[\da-f]{2})+$/i.test(header)
  if (isUsable) {
    try {
      return decodeURIComponent(header)
    } catch {
      // Not UTF-8.
    }
  }
  return refuse(
    'provider_bad_answer',
    'the header X-AUSERNAME is missing or unusable. Does a proxy remove it?',
  )
}

/** The filter also finds people whose name, display name or address only contains the text. */
function userNamed({ values }: Row, name: string): Row {
  const rows: readonly Row[] = Array.isArray(values) ? values : []
  const user = rows.find((row) => row?.name === name)
  return user ?? refuse('provider_bad_answer', 'the list of users lacks the person who signed in')
}
