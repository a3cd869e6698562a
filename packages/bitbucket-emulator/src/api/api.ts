// Bitbucket's API below /2.0. This room promises: every endpoint checks token and scope the same way, every
// error has the same shape, and every list comes in pages.

import { type Answer, json, type Received } from '../http/http.ts'
import { allows } from '../rules/scopes.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Access } from '../state/tokens.ts'

/** Every failure of the API. */
export function apiError(status: number, message: string, detail?: unknown): Answer {
  return json(status, { type: 'error', error: { message, detail } })
}

/**
 * Answers with `read` if the request has a token with `scope`. [?] No token at all gets the answer of an
 * unknown one; what Bitbucket says to that was not recorded.
 */
export function withScope(
  scope: string,
  request: Received,
  bitbucket: Bitbucket,
  read: (access: Access) => Answer,
): Answer {
  const access = bitbucket.tokens.findAccess(readToken(request, bitbucket) ?? '')
  if (access === 'unknown') return apiError(401, bitbucket.behaviour.unknownToken)
  if (access === 'expired') return apiError(401, bitbucket.behaviour.expiredToken)
  const answer = allows(access.scopes, scope)
    ? read(access)
    : apiError(403, 'Your credentials lack one or more required privilege scopes.', {
        required: [scope],
        granted: access.scopes,
      })
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'x-oauth-scopes': access.scopes.join(', '),
      'x-accepted-oauth-scopes': scope,
    },
  }
}

function readToken({ headers, query, form }: Received, { behaviour }: Bitbucket): string | null {
  const inHeader = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (inHeader !== undefined) return inHeader
  if (behaviour.accessTokenIn === 'header') return null
  return query.get('access_token') ?? form?.get('access_token') ?? null
}

/** The page of `items` that the query asks for, in the API's envelope. */
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
