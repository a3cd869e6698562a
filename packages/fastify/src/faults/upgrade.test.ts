import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { countPeople, type Shared, shareables } from '../testing/kept.ts'

const emulator = setUpEmulator()

// Written by the first version at noon, with the secret that these tests use. It must work for as long as
// upgrades from that version are supported.

const noon = Date.UTC(2027, 2, 28, 12)
const ada = '9baf5f45-825e-451b-8f7e-27a6c906a1e8'
const stored = [
  `create table latchkey_migrations (name varchar(255) not null primary key,
    timestamp varchar(255) not null)`,
  `create table latchkey_migration_lock (id varchar(255) not null primary key,
    is_locked integer default 0 not null)`,
  `create table latchkey_users (id text primary key, name text, email text,
    email_verified integer not null, avatar_url text, created_at bigint not null)`,
  `create table latchkey_identities (id text primary key,
    user_id text not null references latchkey_users (id) on delete cascade,
    provider text not null, subject text not null, attributes text not null,
    created_at bigint not null, last_used_at bigint not null,
    constraint latchkey_identities_subject unique (provider, subject))`,
  'create index latchkey_identities_user on latchkey_identities (user_id)',
  `create table latchkey_sessions (id text primary key,
    user_id text not null references latchkey_users (id) on delete cascade,
    provider text, secret_hash text not null, created_at bigint not null,
    authenticated_at bigint not null, expires_at bigint not null)`,
  'create index latchkey_sessions_user on latchkey_sessions (user_id)',
  'create index latchkey_sessions_expiry on latchkey_sessions (expires_at)',
  'create table latchkey_used_flows (id text primary key, expires_at bigint not null)',
  'create index latchkey_used_flows_expiry on latchkey_used_flows (expires_at)',
  `insert into latchkey_users values ('${ada}', 'Ada Test', 'ada@example.com', 1, null, 1806235200000)`,
  `insert into latchkey_identities values ('b03b19fd-256e-4080-a439-28cfe8b3782e', '${ada}',
    'bitbucket', '{a1e7c0de-0001-4a01-8a01-000000000001}',
    '{"accountId":"557058:a1e7c0de-1001-4a01-8a01-000000000001","nickname":"ada"}',
    1806235200000, 1806235200000)`,
  `insert into latchkey_sessions values ('32kGekN_l6CHPXDxFT_MNg', '${ada}', 'bitbucket',
    'SfdqUSLqol9UvwrKmhX69BdsyPgzcT8LfWe5hM-VSec', 1806235200000, 1806235200000, 1808827200000)`,
  "insert into latchkey_used_flows values ('DrDu8ZRhoju-LhZAayU2Rku3lpghh4r3h2aHOxx1R1A', 1806239400000)",
  "insert into latchkey_migrations values ('001-users-identities-sessions', '2026-01-01T12:00:00.000Z')",
  "insert into latchkey_migration_lock values ('migration_lock', 0)",
]
const sessionCookie =
  'latchkey-3000=32kGekN_l6CHPXDxFT_MNg.HXJnNVCnPp7WdXQ83FRoTjJHraMHsBJQ1aOKcAAG1og'
const flow = {
  state: 'uxLvNuxjWBso0Iv4RkWZ524I5_UK2BWjl9IqJCLJF5U',
  challenge: 'FiJ07nQBvtFH4OBrpY1ruIXn94jkWnwtovGZOFuNQ1M',
  returnTo: '/kept',
  cookie:
    'latchkey-3000-flow-8-DpywAQAK=lYqNtMOSek3LTu6OWezW3cfUVNIXkHBwFDs1sDd3G0ZKCWiAoiO6xkho25rEXBAHfrIa3URMNPPwFq6J6idZHCGgatNsweO7IFpjYRhECxJtWpmdajRZge4DcT_mBFcPEd9tzwgrsIXTcC_lc4WhQTrSlp6pfJp3eSc3W7XnKWM1WLC2S-2TbJ3y8HsOaC6xxQfKzlKyddIVr8dvApEZ__ttAYlV6-0ngmdpkh1GdvOOXU7yto0BCbFwwudgK9ioBCqp6-khEC2khixcoWogB9niQPfHX4eYbIe18D4xN1F9XwcUeJrn6jnN8eRSJtJDKaRkndsQptOOa5NuVPviVsi-m5Za26zsBUCSRy4BM3dSL1cgTLsEfqS7AJXc1k8',
}

/** A server of the current version, a minute later. */
async function upgrade(
  shared: Shared,
): Promise<{ app: FastifyInstance; pass(time: number): void }> {
  for (const statement of stored) await shared.ask(statement)
  let now = noon + 60_000
  const app = await buildApp(emulator(), { store: shared.store(), clock: () => now })
  return {
    app,
    pass(time) {
      now += time
    },
  }
}

async function whoIs(app: FastifyInstance, cookie: string): Promise<unknown> {
  return (await app.inject({ url: '/auth/session', headers: { cookie } })).json().user?.id
}

describe.each(shareables)(
  'a server that takes over %s from the previous version',
  (_what, share) => {
    it('keeps everyone signed in, and signs them in again as the same users', async () => {
      const shared = await share()
      const { app } = await upgrade(shared)
      expect(await whoIs(app, sessionCookie)).toBe(ada)
      const browser = createBrowser(app)
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      expect(await whoIs(app, browser.cookies())).toBe(ada)
      expect(await whoIs(app, sessionCookie)).toBe(ada)
      expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 2 })
    })

    it('ends the flows that began before the upgrade', async () => {
      const { app } = await upgrade(await share())
      const browser = createBrowser(app)
      await browser.jar.setCookie(flow.cookie, browser.origin)
      const consent = new URL('/site/oauth2/authorize', emulator().url)
      for (const [name, value] of [
        ['response_type', 'code'],
        ['client_id', 'latchkey-dev'],
        ['redirect_uri', `${browser.origin}/auth/bitbucket/callback`],
        ['state', flow.state],
        ['code_challenge', flow.challenge],
        ['code_challenge_method', 'S256'],
      ] as const) {
        consent.searchParams.set(name, value)
      }
      const callback = await browser.consent(consent.href, { user: 'ada' })
      expect((await browser.get(callback)).headers.location).toBe(flow.returnTo)
      expect(await whoIs(app, browser.cookies())).toBe(ada)
    })

    it('works alongside one that is still running: a sign-in or sign-out on either counts for both', async () => {
      const shared = await share()
      const { app, pass } = await upgrade(shared)
      const [id, secret] = [randomBytes(16), randomBytes(32)].map((bytes) =>
        bytes.toString('base64url'),
      )
      const secretHash = createHash('sha256').update(String(secret)).digest('base64url')
      await shared.ask(`insert into latchkey_sessions (id, user_id, provider, secret_hash,
      created_at, authenticated_at, expires_at) values ('${id}', '${ada}', 'bitbucket',
      '${secretHash}', ${noon}, ${noon}, ${noon + 30 * 24 * 60 * 60 * 1000})`)
      expect(await whoIs(app, `latchkey-3000=${id}.${secret}`)).toBe(ada)

      const browser = createBrowser(app)
      await browser.signIn('ada')
      const known = (): Promise<unknown> =>
        shared.ask(`select user_id, provider, length(secret_hash) as hash, created_at, authenticated_at,
        expires_at from latchkey_sessions where id not in ('${id}', '32kGekN_l6CHPXDxFT_MNg')`)
      expect(await known()).toHaveLength(1)
      await browser.post('/auth/sign-out')
      expect(await known()).toEqual([])

      await shared.ask(`delete from latchkey_sessions where id = '${id}'`)
      // The old server sends no notification, and PostgreSQL's results are trusted for a minute here.
      pass(60_000)
      expect(await whoIs(app, `latchkey-3000=${id}.${secret}`)).toBeUndefined()
      expect(await whoIs(app, sessionCookie)).toBe(ada)
    })
  },
)

describe.each(shareables)(
  'a server with %s to which a newer version has added columns',
  (_what, share) => {
    it('starts, because what was only added cannot harm it', async () => {
      const shared = await share()
      await (await upgrade(shared)).app.close()
      await shared.ask("insert into latchkey_additions values ('999-later', '2030-01-01')")
      const app = await buildApp(emulator(), { store: shared.store(), clock: () => noon })
      expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    })

    it('reads everyone anyway, whatever the columns are called', async () => {
      const shared = await share()
      const { app } = await upgrade(shared)
      const browser = createBrowser(app)
      await browser.signIn('ada')
      const known = await browser.get('/auth/session')
      const added = ['name', 'email', 'avatar_url', 'banned_at', 'locale', 'created_by']
      for (const column of added.slice(0, 4)) {
        await shared.ask(`alter table latchkey_sessions add column ${column} text`)
      }
      for (const column of ['user_id', 'device', ...added.slice(4)]) {
        await shared.ask(`alter table latchkey_users add column ${column} text`)
      }
      // The cache would hide what the server reads.
      const again = await buildApp(emulator(), { store: shared.store(), clock: () => noon })
      for (const server of [app, again]) {
        const headers = { cookie: browser.cookies() }
        const answer = await server.inject({ url: '/auth/session', headers })
        expect(answer.json()).toEqual(known.json())
      }
      const sessions = await browser.get('/auth/sessions')
      expect(sessions.json().sessions).toHaveLength(2)
    })
  },
)
