import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import type { CreatedUser, LatchkeyOptions } from '../index.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { countPeople, type Shared, shareables } from '../testing/kept.ts'

const emulator = setUpEmulator()

/** Resolves when a test lets it. */
function held(): { called: Promise<void>; go: () => void; hook: () => Promise<void> } {
  const [called, allowed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    called: called.promise,
    go: allowed.resolve,
    hook() {
      called.resolve()
      return allowed.promise
    },
  }
}

async function locationAfter(app: FastifyInstance, person = 'ada'): Promise<unknown> {
  return (await createBrowser(app).signIn(person)).headers.location
}

describe.each(shareables)('onUserCreated, with %s', (_what, share) => {
  async function build(
    onUserCreated: LatchkeyOptions['onUserCreated'],
    shared?: Shared,
  ): Promise<{ app: FastifyInstance; shared: Shared }> {
    const used = shared ?? (await share())
    return { app: await buildApp(emulator(), { store: used.store(), onUserCreated }), shared: used }
  }

  it('is called once, before there is a session, and can add rows that refer to the user', async () => {
    const created: CreatedUser[] = []
    let before: unknown
    const { app, shared } = await build(async (one) => {
      created.push(one)
      before = await countPeople(shared)
      await shared.ask(`insert into people values ('${one.user.id}') returning id`)
    })
    await shared.ask(
      'create table people (id text primary key references latchkey_users (id) on delete cascade)',
    )
    expect(await locationAfter(app)).toBe('/')
    expect(await locationAfter(app)).toBe('/')
    expect(before).toEqual({ users: 1, identities: 1, sessions: 0 })
    expect(created).toHaveLength(1)
    expect(created[0]).toMatchObject({
      user: { name: 'Ada Test', roles: [] },
      profile: { attributes: { nickname: 'ada' } },
      provider: 'bitbucket',
    })
    expect(await shared.ask('select id from people')).toEqual([{ id: created[0]?.user.id }])
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 2 })
  })

  it('that fails leaves no user behind, and the next sign-in calls it again', async () => {
    const ids: string[] = []
    const { app, shared } = await build(({ user }) => {
      ids.push(user.id)
      if (ids.length === 1) throw new Error('the table is missing')
    })
    expect(await locationAfter(app)).toBe('/auth/sign-in?auth_error=server_error')
    expect(await countPeople(shared)).toEqual({ users: 0, identities: 0, sessions: 0 })
    expect(await locationAfter(app)).toBe('/')
    expect(new Set(ids).size).toBe(2)
  })

  it('is called again for the same user if the server ended in the middle', async () => {
    const ids: string[] = []
    const first = held()
    const { app, shared } = await build(({ user }) => {
      ids.push(user.id)
      return first.hook()
    })
    const lost = locationAfter(app)
    await first.called
    const { app: next } = await build(({ user }) => ids.push(user.id), shared)
    expect(await locationAfter(next)).toBe('/')
    expect(new Set(ids).size).toBe(1)
    expect(ids).toHaveLength(2)
    // The first server was only slow, and ends up with the same user.
    first.go()
    expect(await lost).toBe('/')
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 2 })
  })

  it('that fails late does not delete a user who has signed in elsewhere meanwhile', async () => {
    const first = held()
    const { app, shared } = await build(() => first.hook().then(() => Promise.reject('late')))
    const failing = locationAfter(app)
    await first.called
    const { app: next } = await build(() => {}, shared)
    expect(await locationAfter(next)).toBe('/')
    first.go()
    expect(await failing).toContain('auth_error=server_error')
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
  })

  it('that fails after it added a row that prevents the deletion runs again for the same user', async () => {
    const ids: string[] = []
    const { app, shared } = await build(async ({ user }) => {
      ids.push(user.id)
      const [row] = await shared.ask(`select id from people where id = '${user.id}'`)
      if (row !== undefined) return
      await shared.ask(`insert into people values ('${user.id}') returning id`)
      throw new Error('the mail server is down')
    })
    await shared.ask('create table people (id text primary key references latchkey_users (id))')
    expect(await locationAfter(app)).toContain('auth_error=unavailable')
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 0 })
    expect(await locationAfter(app)).toBe('/')
    expect([ids.length, new Set(ids).size]).toEqual([2, 1])
  })

  it.each([
    ['deleted', '/', 2],
    ['banned', '/auth/sign-in?auth_error=user_banned', 1],
  ] as const)(
    'whose user is %s in the meantime leads to %s, after %i calls',
    async (what, location, calls) => {
      const ids: string[] = []
      const { app } = await build(async ({ user }) => {
        ids.push(user.id)
        const { users } = app.latchkey
        if (ids.length === 1)
          await (what === 'deleted' ? users.delete(user.id) : users.ban(user.id))
      })
      expect(await locationAfter(app)).toBe(location)
      expect(new Set(ids).size).toBe(calls)
    },
  )

  it('does not hold up other users while it runs', async () => {
    const first = held()
    const { app, shared } = await build(({ profile }) =>
      profile.attributes.nickname === 'ada' ? first.hook() : undefined,
    )
    const slow = locationAfter(app)
    await first.called
    expect(await locationAfter(app, 'ben')).toBe('/')
    expect(await countPeople(shared)).toEqual({ users: 2, identities: 2, sessions: 1 })
    first.go()
    expect(await slow).toBe('/')
  })
})

it('logs why onUserCreated failed', async () => {
  const lines: string[] = []
  const log = { write: (line: string) => void lines.push(line) }
  const onUserCreated = (): never => {
    throw new Error('the table is missing')
  }
  const app = await buildApp(emulator(), { onUserCreated }, log)
  await locationAfter(app)
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      level: 50,
      event: 'hook-failed',
      hook: 'onUserCreated',
      reason: 'the table is missing',
      stack: expect.stringContaining('on-user-created.test'),
    }),
  )
})

it('rejects a hook that is not a function', async () => {
  const options = { onUserCreated: 'insert' } as unknown as LatchkeyOptions
  await expect(buildApp(emulator(), options)).rejects.toThrow(
    'Option `onUserCreated` must be a function.',
  )
})
