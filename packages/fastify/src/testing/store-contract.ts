import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type Change,
  ConflictError,
  type Page,
  type Store,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
  type StoreQueries,
  type Watch,
} from '../store/store.ts'
import { ending, never } from './stored.ts'

/** Tests the contract of a store. `makeStore` creates an empty store for each test. */
export function testStore(name: string, makeStore: () => Store | Promise<Store>): void {
  describe(name, () => {
    let store: Store
    beforeEach(async () => {
      store = await makeStore()
      await store.open()
    })
    afterEach(() => store.close())

    const user = (id: string, more: Partial<StoredUser> = {}): StoredUser => ({
      id,
      name: 'Test Person',
      email: 'test@example.com',
      emailVerified: true,
      avatarUrl: 'https://example.com/avatar.png',
      createdAt: 1_790_000_000_123,
      bannedAt: null,
      roles: [],
      isPending: false,
      isNameEdited: false,
      ...more,
    })
    const identity = (userId: string, more: Partial<StoredIdentity> = {}): StoredIdentity => ({
      id: `identity-of-${userId}`,
      userId,
      provider: 'bitbucket',
      subject: '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}',
      attributes: { nickname: 'test', accountId: '557058:x' },
      createdAt: 1_790_000_000_123,
      lastUsedAt: 1_790_000_000_456,
      ...more,
    })
    const session = (
      id: string,
      userId: string,
      more: Partial<StoredSession> = {},
    ): StoredSession => ({
      id,
      userId,
      provider: 'bitbucket',
      secretHash: 'hash',
      device: 'Firefox on Linux',
      createdAt: 1_790_000_000_123,
      authenticatedAt: 1_790_000_000_456,
      lastUsedAt: 1_790_000_000_789,
      expiresAt: 2_000_000_000_000,
      ...more,
    })
    /** Returns the ids of a user's sessions. */
    const sessionsOf = async (userId: string): Promise<string[]> => {
      const rows = await store.listSessions(userId, { limit: 100 })
      return rows.map(({ id }) => id).sort()
    }

    it('stores users unchanged, with or without an address', async () => {
      const whole = user('a')
      const bare = user('b', { name: null, email: null, emailVerified: false, avatarUrl: null })
      await store.insertUser(whole)
      await store.insertUser(bare)
      expect(await store.findUser('a')).toEqual(whole)
      expect(await store.findUser('b')).toEqual(bare)
      expect(await store.findUser('c')).toBeNull()
    })

    it('replaces every field of a user except createdAt', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      await store.updateUser(user('a', { name: 'Renamed', emailVerified: false, createdAt: 1 }))
      expect(await store.findUser('a')).toEqual(
        user('a', { name: 'Renamed', emailVerified: false }),
      )
      expect(await store.findUser('b')).toEqual(user('b'))
    })

    it('stores when a user was banned, and returns it with a session too', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      const banned = user('a', { bannedAt: 1_790_000_000_321 })
      await store.updateUser(banned)
      expect(await store.findUser('a')).toEqual(banned)
      expect((await store.findSession('s'))?.user).toEqual(banned)
      expect(await store.listUsers({ limit: 1 })).toEqual([banned])
      await store.updateUser(user('a'))
      expect((await store.findSession('s'))?.user.bannedAt).toBeNull()
    })

    it('stores the roles of a user, and returns them with a session too', async () => {
      await store.insertUser(user('a', { roles: ['viewer'] }))
      await store.insertSession(session('s', 'a'))
      expect((await store.findSession('s'))?.user.roles).toEqual(['viewer'])
      const changed = user('a', { roles: ['admin', 'billing:read'] })
      await store.updateUser(changed)
      expect(await store.findUser('a')).toEqual(changed)
      expect((await store.findSession('s'))?.user).toEqual(changed)
      expect(await store.listUsers({ limit: 1 })).toEqual([changed])
    })

    it('deletes a user with all identities and sessions, and no other user', async () => {
      for (const id of ['a', 'b']) {
        await store.insertUser(user(id))
        await store.insertIdentity(identity(id, { subject: id }))
        await store.insertSession(session(`session-of-${id}`, id))
      }
      await store.deleteUser('a', ending)
      expect(await store.findUser('a')).toBeNull()
      expect(await store.findIdentity('bitbucket', 'a')).toBeNull()
      expect(await store.findSession('session-of-a')).toBeNull()
      expect(await store.listUsers({ limit: 10 })).toEqual([user('b')])
      expect(await store.findIdentity('bitbucket', 'b')).not.toBeNull()
      expect(await store.findSession('session-of-b')).not.toBeNull()
      expect(await store.insertIdentity(identity('b', { id: 'again', subject: 'a' }))).toBe(true)
      await store.deleteUser('nobody', ending)
    })

    describe.each(['users', 'sessions'] as const)('lists %s', (kind) => {
      const rows: { id: string; createdAt: number }[] = []
      beforeEach(async () => {
        rows.length = 0
        await store.insertUser(user('other', { createdAt: 0 }))
        await store.insertSession(session('session-of-other', 'other'))
        // Many of them were created in the same millisecond, as after an import.
        for (const [index, id] of ['e', 'b', 'f', 'a', 'D', 'c', '9'].entries()) {
          rows.push({ id, createdAt: 1_790_000_000_000 + (index % 3) })
        }
        for (const { id, createdAt } of rows) {
          if (kind === 'users') await store.insertUser(user(id, { createdAt }))
          else await store.insertSession(session(id, 'other', { createdAt, lastUsedAt: 1e13 }))
        }
        await store.deleteSession('session-of-other', ending)
      })
      const list = async (page: Page): Promise<{ id: string; createdAt: number }[]> => {
        const found =
          kind === 'users' ? await store.listUsers(page) : await store.listSessions('other', page)
        return found
          .filter(({ id }) => id !== 'other')
          .map(({ id, createdAt }) => ({ id, createdAt }))
      }

      it.each([1, 2, 3, 100])('from newest to oldest, each once, in pages of %i', async (limit) => {
        const walked: typeof rows = []
        let part = await list({ limit })
        while (part.length > 0 && walked.length <= rows.length) {
          expect(part.length).toBeLessThanOrEqual(limit)
          walked.push(...part)
          part = await list({ limit, after: walked.at(-1) })
        }
        expect(new Set(walked.map(({ id }) => id))).toEqual(new Set(rows.map(({ id }) => id)))
        expect(walked).toHaveLength(rows.length)
        const times = walked.map(({ createdAt }) => createdAt)
        expect(times).toEqual(times.toSorted((a, b) => b - a))
      })

      it('after a row that was deleted in the meantime, and returns nothing after the end', async () => {
        const [first, second, third] = await list({ limit: 3 })
        if (kind === 'users') await store.deleteUser(second?.id ?? '', ending)
        else await store.deleteSession(second?.id ?? '', ending)
        expect(await list({ limit: 1, after: first })).toEqual([third])
        expect(await list({ limit: 1, after: second })).toEqual([third])
        expect(await list({ limit: 10, after: { id: '', createdAt: 0 } })).toEqual([])
      })
    })

    it('stores names that look like SQL, and names with any character', async () => {
      const name = `'); DROP TABLE latchkey_users; -- % _ \\ " 名前 \u{1F600} ${'x'.repeat(200)}`
      await store.insertUser(user('a', { name }))
      expect((await store.findUser('a'))?.name).toBe(name)
    })

    it('finds an identity by its exact provider and subject', async () => {
      await store.insertUser(user('a'))
      const known = identity('a')
      expect(await store.insertIdentity(known)).toBe(true)
      expect(await store.findIdentity('bitbucket', known.subject)).toEqual(known)
      expect(await store.findIdentity('other', known.subject)).toBeNull()
      expect(await store.findIdentity('bitbucket', known.subject.toUpperCase())).toBeNull()
      expect(await store.findIdentity('bitbucket', '')).toBeNull()
    })

    it('stores only one identity per provider and subject, even if a second one is for another user', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      const answers = await Promise.all(
        ['a', 'b', 'a'].map((id, index) => store.insertIdentity(identity(id, { id: `i${index}` }))),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      const other = identity('b', { id: 'elsewhere', provider: 'other' })
      expect(await store.insertIdentity(other)).toBe(true)
    })

    it('replaces an identity’s attributes and last use', async () => {
      await store.insertUser(user('a'))
      await store.insertIdentity(identity('a'))
      const later = identity('a', {
        attributes: { nickname: 'new' },
        lastUsedAt: 1_800_000_000_000,
      })
      await store.updateIdentity({ ...later, subject: 'ignored' })
      expect(await store.findIdentity('bitbucket', later.subject)).toEqual(later)
    })

    it('finds a session and its user', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      await store.insertSession({ ...session('t', 'a'), provider: null })
      expect(await store.findSession('s')).toEqual({ session: session('s', 'a'), user: user('a') })
      expect((await store.findSession('t'))?.session.provider).toBeNull()
      expect(await store.findSession('S')).toBeNull()
    })

    it('does not store a session without a user', async () => {
      await expect(store.insertSession(session('s', 'nobody'))).rejects.toThrow()
      expect(await store.findSession('s')).toBeNull()
    })

    it('ends one session, all of a user’s sessions, or all but one', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      for (const id of ['1', '2', '3']) await store.insertSession(session(id, 'a'))
      await store.insertSession(session('other', 'b'))
      const left = async (): Promise<string[]> => {
        const found = await Promise.all(['1', '2', '3', 'other'].map((id) => store.findSession(id)))
        return found.flatMap((row) => row?.session.id ?? [])
      }
      await store.deleteSession('1', ending)
      expect(await left()).toEqual(['2', '3', 'other'])
      await store.deleteSessionsOf('a', ending, '3')
      expect(await left()).toEqual(['3', 'other'])
      await store.deleteSessionsOf('a', ending)
      expect(await left()).toEqual(['other'])
      await store.deleteSession('not there', ending)
    })

    it('ends all sessions of all users, and keeps the users', async () => {
      for (const id of ['a', 'b']) {
        await store.insertUser(user(id))
        await store.insertSession(session(`session-of-${id}`, id))
      }
      await store.deleteAllSessions(ending)
      expect([await sessionsOf('a'), await sessionsOf('b')]).toEqual([[], []])
      expect(await store.listUsers({ limit: 10 })).toHaveLength(2)
    })

    it('ends all but the newest few of a user’s sessions, even if they all began at the same time', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      const began = { '3': 3, '1': 1, '4': 4, '2': 2 }
      for (const [id, createdAt] of Object.entries(began)) {
        await store.insertSession(session(id, 'a', { createdAt, lastUsedAt: 1e13 - createdAt }))
      }
      await store.insertSession(session('other', 'b', { createdAt: 0 }))
      await store.deleteOldestSessionsOf('a', 5, ending)
      await store.deleteOldestSessionsOf('a', 4, ending)
      expect(await sessionsOf('a')).toEqual(['1', '2', '3', '4'])
      await store.deleteOldestSessionsOf('a', 2, ending)
      expect(await sessionsOf('a')).toEqual(['3', '4'])
      for (const id of ['5', '6', '7']) await store.insertSession(session(id, 'a'))
      await store.deleteOldestSessionsOf('a', 1, ending)
      expect(await sessionsOf('a')).toHaveLength(1)
      await store.deleteOldestSessionsOf('a', 0, ending)
      expect(await sessionsOf('a')).toEqual([])
      expect(await sessionsOf('b')).toEqual(['other'])
    })

    it('stores the last use of a session, and changes nothing else', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      await store.insertSession(session('t', 'a'))
      await store.touchSessions(['s'], 1_795_000_000_000, never)
      expect((await store.findSession('s'))?.session).toEqual(
        session('s', 'a', { lastUsedAt: 1_795_000_000_000 }),
      )
      expect((await store.findSession('t'))?.session).toEqual(session('t', 'a'))
    })

    it('does not bring an ended session back when its last use or a new secret is stored too late', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      await store.deleteSession('s', ending)
      await store.touchSessions(['s'], 1_795_000_000_000, never)
      await store.rotateSession('s', 'other')
      await store.transaction('process', async (queries) => {
        await queries.touchSessions(['s'], 1_795_000_000_000, never)
        await queries.rotateSession('s', 'other')
      })
      expect(await store.findSession('s')).toBeNull()
      expect(await sessionsOf('a')).toEqual([])
    })

    it('replaces the secret of one session', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      await store.insertSession(session('t', 'a'))
      await store.rotateSession('s', 'other')
      expect((await store.findSession('s'))?.session).toEqual(
        session('s', 'a', { secretHash: 'other' }),
      )
      expect((await store.findSession('t'))?.session).toEqual(session('t', 'a'))
    })

    it('returns the time of the sign-in as the last use of a session whose use was never stored', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a', { lastUsedAt: 0 }))
      const { authenticatedAt } = session('s', 'a')
      expect((await store.findSession('s'))?.session.lastUsedAt).toBe(authenticatedAt)
      const [listed] = await store.listSessions('a', { limit: 1 })
      expect(listed?.lastUsedAt).toBe(authenticatedAt)
    })

    it('marks a flow as used for exactly one of many calls', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.useFlow('flow', 2_000_000_000_000)),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await store.useFlow('flow', 2_000_000_000_000)).toBe(false)
      expect(await store.useFlow('another', 2_000_000_000_000)).toBe(true)
    })

    it('deletes a limited number of expired rows at a time', async () => {
      await store.insertUser(user('a'))
      for (let row = 0; row < 5; row++) {
        await store.useFlow(`old-${row}`, 100)
        await store.insertSession(session(`old-${row}`, 'a', { expiresAt: 100 }))
      }
      await store.useFlow('new', 300)
      await store.insertSession(session('new', 'a', { expiresAt: 300 }))
      const old = async (): Promise<number> => {
        const rows = [0, 1, 2, 3, 4].map((row) => store.findSession(`old-${row}`))
        return (await Promise.all(rows)).filter((row) => row !== null).length
      }
      await store.deleteExpired(200, 0, 2)
      expect(await old()).toBe(3)
      await store.deleteExpired(200, 0, 100)
      expect(await old()).toBe(0)
      expect(await store.findSession('new')).not.toBeNull()
      expect(await store.useFlow('new', 300)).toBe(false)
      expect(await store.useFlow('old-0', 100)).toBe(true)
    })

    it('deletes a limited number of idle sessions at a time', async () => {
      await store.insertUser(user('a'))
      const [before, after] = [{ authenticatedAt: 100 }, { authenticatedAt: 300 }]
      await store.insertSession(session('unused', 'a', { ...before, lastUsedAt: 199 }))
      await store.insertSession(session('never stored', 'a', { ...before, lastUsedAt: 0 }))
      await store.insertSession(session('used', 'a', { ...before, lastUsedAt: 200 }))
      await store.insertSession(session('new, never stored', 'a', { ...after, lastUsedAt: 0 }))
      await store.deleteExpired(0, 200, 1)
      expect(await sessionsOf('a')).toHaveLength(3)
      await store.deleteExpired(0, 200, 100)
      expect(await sessionsOf('a')).toEqual(['new, never stored', 'used'])
    })

    it.each(['process', 'power-loss'] as const)(
      'runs a transaction completely or not at all (durability: %s)',
      async (durability) => {
        const failing = store.transaction(durability, async (queries) => {
          await queries.insertUser(user('a'))
          await queries.insertSession(session('s', 'a'))
          throw new Error('halfway')
        })
        await expect(failing).rejects.toThrow('halfway')
        expect(await store.findUser('a')).toBeNull()
        const result = await store.transaction(durability, async (queries) => {
          await queries.insertUser(user('a'))
          return (await queries.findUser('a'))?.id
        })
        expect(result).toBe('a')
        expect(await store.findUser('a')).toEqual(user('a'))
      },
    )

    it('isolates concurrent transactions', async () => {
      await store.insertUser(user('a', { name: '0' }))
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          store.transaction(index % 2 === 0 ? 'process' : 'power-loss', async (queries) => {
            const found = await queries.findUser('a')
            await queries.updateUser(user('a', { name: String(Number(found?.name) + 1) }))
          }),
        ),
      )
      expect((await store.findUser('a'))?.name).toBe('10')
    })

    it('runs the work of a transaction again after a ConflictError', async () => {
      let runs = 0
      const result = await store.transaction('process', async (queries) => {
        await queries.insertUser(user(`run ${++runs}`))
        if (runs < 3) throw new ConflictError('in the way')
        return 'done'
      })
      expect(result).toBe('done')
      expect((await store.listUsers({ limit: 10 })).map(({ id }) => id)).toEqual(['run 3'])
    })

    describe('reports to watchers', () => {
      const told: Change[] = []
      /** The results of reads that start when a change is reported. */
      const found: Promise<unknown>[] = []
      let watch: Watch
      beforeEach(async () => {
        if (store.watch === undefined) throw new Error('the store cannot be watched')
        await store.insertUser(user('a'))
        for (const id of ['s', 't']) await store.insertSession(session(id, 'a'))
        watch = store.watch(
          (change) => {
            told.push(change)
            if (watch.isCurrent()) found.push(store.findSession('s'))
          },
          () => undefined,
        )
        await vi.waitFor(() => expect(watch.isCurrent()).toBe(true))
        told.length = 0
        found.length = 0
      })
      afterEach(() => watch.stop())
      const isOfSession = (change: Change): boolean => {
        if (change === 'everything' || 'everyone' in change) return true
        return 'session' in change ? change.session === 's' : change.user === 'a'
      }

      const changes: [string, (queries: StoreQueries) => Promise<void>][] = [
        ['a renamed user', (queries) => queries.updateUser(user('a', { name: 'Renamed' }))],
        ['a banned user', (queries) => queries.updateUser(user('a', { bannedAt: 1 }))],
        ['changed roles', (queries) => queries.updateUser(user('a', { roles: ['admin'] }))],
        ['a deleted user', (queries) => queries.deleteUser('a', ending)],
        ['a session with a rotated secret', (queries) => queries.rotateSession('s', 'other')],
        ['an ended session', (queries) => queries.deleteSession('s', ending)],
        ['a user’s ended sessions', (queries) => queries.deleteSessionsOf('a', ending)],
        ['a user’s other sessions, ended', (queries) => queries.deleteSessionsOf('a', ending, 't')],
        [
          'a user’s oldest sessions, ended',
          (queries) => queries.deleteOldestSessionsOf('a', 0, ending),
        ],
        ['all sessions, ended', (queries) => queries.deleteAllSessions(ending)],
      ]

      it.each(changes)(
        '%s, once the change is visible and before it is acknowledged',
        async (_, change) => {
          const before = await store.findSession('s')
          await change(store)
          expect(told.filter(isOfSession)).not.toEqual([])
          for (const seen of await Promise.all(found)) expect(seen).not.toEqual(before)
        },
      )

      it.each(changes)('%s, changed in a transaction', async (_, change) => {
        const before = await store.findSession('s')
        await store.transaction('process', change)
        expect(told.filter(isOfSession)).not.toEqual([])
        for (const seen of await Promise.all(found)) expect(seen).not.toEqual(before)
      })

      it('no change that leaves earlier results valid', async () => {
        const harmless = async (queries: StoreQueries, id: string): Promise<void> => {
          await queries.insertUser(user(id))
          await queries.insertIdentity(identity(id, { subject: id }))
          await queries.updateIdentity(identity(id, { subject: id, lastUsedAt: 1 }))
          await queries.insertSession(session(`session-of-${id}`, id))
          await queries.touchSessions(['s'], 1_795_000_000_000, never)
          await queries.useFlow(id, 1)
          await queries.findSession('s')
          await queries.listSessions('a', { limit: 1 })
          await queries.deleteOldestSessionsOf('a', 2, ending)
          await queries.deleteExpired(2, 0, 10)
        }
        await harmless(store, 'b')
        await store.transaction('process', (queries) => harmless(queries, 'c'))
        expect(told).toEqual([])
        expect(watch.isCurrent()).toBe(true)
      })

      it('that earlier results are invalid when the store is closed and opened again', async () => {
        await store.close()
        expect(watch.isCurrent()).toBe(false)
        await store.open()
        await vi.waitFor(() => expect(watch.isCurrent()).toBe(true))
        expect(told).toContain('everything')
      })

      it('nothing after they stop', async () => {
        watch.stop()
        await store.deleteSession('s', ending)
        expect(told).toEqual([])
      })
    })

    it('stays open for one user while another closes it', async () => {
      await Promise.all([store.open(), store.close()])
      expect(await store.findUser('a')).toBeNull()
    })

    it('rejects queries once its last user has closed it, and can be reopened', async () => {
      await store.insertUser(user('a'))
      await Promise.all([store.open(), store.open()])
      await Promise.all([store.close(), store.close()])
      expect(await store.findUser('a')).toEqual(user('a'))
      await store.close()
      await expect(store.findUser('a')).rejects.toThrow()
      await store.close()
    })
  })
}
