// Bitbucket's API under /2.0. This room promises: every endpoint checks the token and scope in the same way, every
// error has the same shape, every list is paginated, and anything that is not emulated gets a 501 with a text that
// cannot be mistaken for Bitbucket's.

import { type Answer, json, type Received, wordOf } from '../http/http.ts'
import { allows } from '../rules/scopes.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Access } from '../state/tokens.ts'

/** Returns an error in the API's shape. */
export function apiError(status: number, message: string, detail?: unknown): Answer {
  return json(status, { type: 'error', error: { message, detail } })
}

/** Returns a 501 for a feature that the emulator lacks. A guess would look like a response from Bitbucket. */
export function notEmulated(feature: string): Answer {
  return apiError(501, `The Bitbucket emulator does not emulate ${feature}. Bitbucket may have it.`)
}

/** The query parameters that all lists have. */
export const paging: readonly string[] = ['page', 'pagelen']

/**
 * Returns the result of `read` if the request has a token with `scope`, and no query parameters other than
 * `parameters`. [?] A missing token gets the same response as an unknown one. Bitbucket's response is unrecorded.
 */
export function withScope(
  scope: string,
  request: Received,
  bitbucket: Bitbucket,
  parameters: readonly string[],
  read: (access: Access) => Answer,
): Answer {
  const access = bitbucket.tokens.findAccess(readToken(request, bitbucket) ?? '')
  if (access === 'unknown') return apiError(401, bitbucket.behaviour.unknownToken)
  if (access === 'expired') return apiError(401, bitbucket.behaviour.expiredToken)
  const answer = allows(access.scopes, scope)
    ? (refuseOthers(request.query, parameters) ?? read(access))
    : apiError(403, 'Your credentials lack one or more required privilege scopes.', {
        required: [scope],
        granted: access.scopes,
      })
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'x-credential-type': 'oauth2',
      'x-oauth-scopes': access.scopes.join(', '),
      'x-accepted-oauth-scopes': scope,
    },
  }
}

/** Rejects other query parameters. If `?q=` were ignored, a filter without matches would return everything. */
function refuseOthers(query: URLSearchParams, parameters: readonly string[]): Answer | null {
  const known = [...parameters, 'access_token']
  const other = [...query.keys()].find((name) => !known.includes(name))
  if (other === undefined) return null
  return notEmulated(`the query parameter "${wordOf(other)}" of this path`)
}

function readToken({ headers, query, form }: Received, { behaviour }: Bitbucket): string | null {
  const inHeader = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (inHeader !== undefined) return inHeader
  if (behaviour.accessTokenIn === 'header') return null
  return query.get('access_token') ?? form?.get('access_token') ?? null
}

/** Returns the page of `items` that the query requests, in the API's envelope. */
export function paginate<Item>(
  items: readonly Item[],
  { origin, path, query }: Received,
  show: (item: Item) => object,
): Answer {
  const pagelen = readCount(query.get('pagelen') ?? '10', 100)
  const page = readCount(query.get('page') ?? '1')
  if (pagelen === null) return apiError(400, 'Invalid pagelen')
  if (page === null) return apiError(400, 'Invalid page')
  const linkTo = (other: number): string => {
    const link = new URLSearchParams(query)
    link.delete('access_token')
    link.set('page', String(other))
    return `${origin}${path}?${link}`
  }
  return json(200, {
    pagelen,
    values: items.slice((page - 1) * pagelen, page * pagelen).map(show),
    page,
    size: items.length,
    ...(page * pagelen < items.length && { next: linkTo(page + 1) }),
    ...(page > 1 && { previous: linkTo(page - 1) }),
  })
}

function readCount(text: string, most = Number.MAX_SAFE_INTEGER): number | null {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= most ? count : null
}
