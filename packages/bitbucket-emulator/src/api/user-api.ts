import { createHash } from 'node:crypto'
import { type Answer, json, type Received } from '../http/http.ts'
import { initials } from '../pages/initials.ts'
import { digestOf, uuidFrom } from '../seed/ids.ts'
import type { Consumer, Email, Person } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Access } from '../state/tokens.ts'
import { apiError, paginate, paging, withScope } from './api.ts'

/** `GET /2.0/user`: the account that the token belongs to. */
export function showUser(request: Received, bitbucket: Bitbucket): Answer {
  const { origin } = request
  return withScope('account', request, bitbucket, [], ({ actsAs, consumer }) =>
    json(200, actsAs === 'app user' ? appUserBody(consumer, origin) : userBody(actsAs, origin)),
  )
}

/** `GET /2.0/user/emails`: the account's addresses, confirmed or not, in pages. An app user has none. */
export function listEmails(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, paging, ({ actsAs }) =>
    paginate(actsAs === 'app user' ? [] : actsAs.emails, request, (email) =>
      emailBody(email, request.origin),
    ),
  )
}

/** `GET /2.0/user/emails/{email}`: one address of the account. */
export function showEmail(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, [], ({ actsAs }) => {
    const emails = actsAs === 'app user' ? [] : actsAs.emails
    const email = emails.find((candidate) => candidate.email === request.parameters.email)
    return email ? json(200, emailBody(email, request.origin)) : apiError(404, 'Resource not found')
  })
}

/** `GET /user`: a request whose path lacks the `/2.0`. */
export function forbidden(): Answer {
  return apiError(403, 'Forbidden')
}

/** Returns the token's account as embedded in other objects, without its private fields. */
export function accountBody({ actsAs, consumer }: Access, origin: string): object {
  if (actsAs === 'app user') return appUserBody(consumer, origin)
  const { displayName, uuid, accountId, nickname } = actsAs
  return {
    display_name: displayName,
    links: accountLinks(actsAs, origin),
    type: 'user',
    uuid,
    account_id: accountId,
    nickname,
  }
}

function userBody(person: Person, origin: string): object {
  const id = encodeURIComponent(person.uuid)
  return {
    display_name: person.displayName,
    links: {
      ...accountLinks(person, origin),
      repositories: { href: `${origin}/2.0/repositories/${id}` },
      snippets: { href: `${origin}/2.0/snippets/${id}` },
      hooks: { href: `${origin}/2.0/workspaces/${id}/hooks` },
    },
    created_on: createdOn,
    type: 'user',
    uuid: person.uuid,
    // Recorded responses have null. Atlassian's OpenAPI description has a boolean.
    has_2fa_enabled: false,
    username: person.nickname,
    is_staff: false,
    account_id: person.accountId,
    nickname: person.nickname,
    account_status: person.accountStatus,
    location: null,
  }
}

// [?] Only the type, and the fields that every account must have according to Atlassian's OpenAPI description, are
// known. The rest is derived from the client's name and id.
function appUserBody({ clientId, name }: Consumer, origin: string): object {
  const uuid = uuidFrom(`app user ${clientId}`)
  return {
    display_name: name,
    links: accountLinks({ uuid, displayName: name }, origin),
    created_on: createdOn,
    type: 'app_user',
    uuid,
    account_id: digestOf(`app user ${clientId}`).slice(-24),
    account_status: 'active',
  }
}

const createdOn = '2012-07-25T04:53:41.525465+00:00'

type Named = Pick<Person, 'uuid' | 'displayName'>

// Links to the API point to the emulator, because a client that follows one sends its token there.
function accountLinks(account: Named, origin: string): object {
  const id = encodeURIComponent(account.uuid)
  return {
    self: { href: `${origin}/2.0/users/${id}` },
    avatar: { href: avatarUrl(account) },
    html: { href: `https://bitbucket.org/${id}/` },
  }
}

function avatarUrl({ uuid, displayName }: Named): string {
  const fallback = `https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/initials/${encodeURIComponent(initials(displayName))}-1.png`
  const hash = createHash('md5').update(uuid).digest('hex')
  return `https://secure.gravatar.com/avatar/${hash}?d=${encodeURIComponent(fallback)}`
}

function emailBody({ email, isPrimary, isConfirmed }: Email, origin: string): object {
  return {
    is_primary: isPrimary,
    links: { self: { href: `${origin}/2.0/user/emails/${encodeURIComponent(email)}` } },
    type: 'email',
    email,
    is_confirmed: isConfirmed,
  }
}
