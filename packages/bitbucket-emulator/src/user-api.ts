import { createHash } from 'node:crypto'
import type { Bitbucket } from './bitbucket.ts'
import { type Answer, json, type Received } from './http.ts'
import { initials } from './people.ts'
import type { Email, Person } from './seed.ts'

/** `GET /2.0/user`: the person whom the token belongs to. */
export function showUser(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('account', request, bitbucket, (person) =>
    json(200, userBody(person, request.origin)),
  )
}

/** `GET /2.0/user/emails`: their addresses, confirmed or not, in pages. */
export function listEmails(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, ({ emails }) => {
    const { origin, query } = request
    const pagelen = readCount(query.get('pagelen') ?? '10', 100)
    const page = readCount(query.get('page') ?? '1')
    if (pagelen === null) return apiError(400, 'Invalid pagelen')
    if (page === null) return apiError(400, 'Invalid page')
    const linkTo = (other: number): string => {
      const link = new URLSearchParams({ page: String(other) })
      if (query.has('pagelen')) link.set('pagelen', String(pagelen))
      return `${origin}/2.0/user/emails?${link}`
    }
    return json(200, {
      pagelen,
      values: emails
        .slice((page - 1) * pagelen, page * pagelen)
        .map((email) => emailBody(email, origin)),
      page,
      size: emails.length,
      ...(page * pagelen < emails.length && { next: linkTo(page + 1) }),
      ...(page > 1 && { previous: linkTo(page - 1) }),
    })
  })
}

/** `GET /2.0/user/emails/{email}`: one of them. */
export function showEmail(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, ({ emails }) => {
    const email = emails.find((candidate) => candidate.email === request.parameters.email)
    return email ? json(200, emailBody(email, request.origin)) : apiError(404, 'Resource not found')
  })
}

/** Every failure of the API. */
export function apiError(status: number, message: string, detail?: unknown): Answer {
  return json(status, { type: 'error', error: { message, detail } })
}

/**
 * Answers with `read` if the request has a token with `scope`. Since May 2026 a token counts in the
 * Authorization header only. An expired token and an unknown one get the same answer. [?] So does no
 * token at all; what Bitbucket says to that was not recorded.
 */
function withScope(
  scope: string,
  { headers }: Received,
  bitbucket: Bitbucket,
  read: (person: Person) => Answer,
): Answer {
  const token = /^bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]
  const access = bitbucket.findAccess(token ?? '')
  if (!access) {
    return apiError(401, 'Token is invalid, expired, or not supported for this endpoint.')
  }
  const answer = access.scopes.includes(scope)
    ? read(access.person)
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

// Links to the API lead to the emulator: a client that follows one must not send its token elsewhere.
function userBody(person: Person, origin: string): object {
  const id = encodeURIComponent(person.uuid)
  return {
    display_name: person.displayName,
    links: {
      self: { href: `${origin}/2.0/users/${id}` },
      avatar: { href: avatarUrl(person) },
      repositories: { href: `${origin}/2.0/repositories/${id}` },
      snippets: { href: `${origin}/2.0/snippets/${id}` },
      html: { href: `https://bitbucket.org/${id}/` },
      hooks: { href: `${origin}/2.0/workspaces/${id}/hooks` },
    },
    created_on: '2012-07-25T04:53:41.525465+00:00',
    type: 'user',
    uuid: person.uuid,
    has_2fa_enabled: null,
    username: person.nickname,
    is_staff: false,
    account_id: person.accountId,
    nickname: person.nickname,
    account_status: person.accountStatus,
    location: null,
  }
}

function avatarUrl({ uuid, displayName }: Person): string {
  const fallback = `https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/initials/${encodeURIComponent(initials(displayName))}-1.png`
  const hash = createHash('md5').update(uuid).digest('hex')
  return `https://secure.gravatar.com/avatar/${hash}?d=${encodeURIComponent(fallback)}`
}

function emailBody({ email, isPrimary, isConfirmed }: Email, origin: string): object {
  return {
    is_primary: isPrimary,
    links: { self: { href: `${origin}/2.0/user/emails/${email}` } },
    type: 'email',
    email,
    is_confirmed: isConfirmed,
  }
}

function readCount(text: string, most = Number.MAX_SAFE_INTEGER): number | null {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= most ? count : null
}
