import { createHash } from 'node:crypto'
import { type Answer, json, type Received } from '../http/http.ts'
import { digestOf, uuidFrom } from '../seed/ids.ts'
import { initials } from '../seed/people.ts'
import type { Consumer, Email, Person } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import { apiError, paginate, withScope } from './api.ts'

/** `GET /2.0/user`: whom the token belongs to. */
export function showUser(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('account', request, bitbucket, ({ actsAs, consumer }) =>
    json(200, actsAs === 'app user' ? appUserBody(consumer) : userBody(actsAs, request.origin)),
  )
}

/** `GET /2.0/user/emails`: their addresses, confirmed or not, in pages. An app user has none. */
export function listEmails(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, ({ actsAs }) =>
    paginate(actsAs === 'app user' ? [] : actsAs.emails, request, (email) =>
      emailBody(email, request.origin),
    ),
  )
}

/** `GET /2.0/user/emails/{email}`: one of them. */
export function showEmail(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('email', request, bitbucket, ({ actsAs }) => {
    const emails = actsAs === 'app user' ? [] : actsAs.emails
    const email = emails.find((candidate) => candidate.email === request.parameters.email)
    return email ? json(200, emailBody(email, request.origin)) : apiError(404, 'Resource not found')
  })
}

/** `GET /user`, by somebody who has forgotten the `/2.0`. */
export function forbidden(): Answer {
  return apiError(403, 'Forbidden')
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

// [?] Known is the type. The rest is what the API says of the client's own name and id elsewhere.
function appUserBody({ clientId, name }: Consumer): object {
  return {
    display_name: name,
    type: 'app_user',
    uuid: uuidFrom(`app user ${clientId}`),
    account_id: digestOf(`app user ${clientId}`).slice(-24),
    account_status: 'active',
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
    links: { self: { href: `${origin}/2.0/user/emails/${encodeURIComponent(email)}` } },
    type: 'email',
    email,
    is_confirmed: isConfirmed,
  }
}
