import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store, StoredIdentity, StoredSession, StoredUser } from '../store.ts'

/** What every store has to do, as tests. `makeStore` makes an empty one each time. */
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
    const session = (id: string, userId: string, expiresAt = 2_000_000_000_000): StoredSession => ({
      id,
      userId,
      provider: 'bitbucket',
      secretHash: 'hash',
      device: 'Firefox on Linux',
      createdAt: 1_790_000_000_123,
      authenticatedAt: 1_790_000_000_456,
      lastUsedAt: 1_790_000_000_789,
      expiresAt,
    })

    it('keeps users exactly, with and without an address', async () => {
      const whole = user('a')
      const bare = user('b', { name: null, email: null, emailVerified: false, avatarUrl: null })
      await store.insertUser(whole)
      await store.insertUser(bare)
      expect(await store.findUser('a')).toEqual(whole)
      expect(await store.findUser('b')).toEqual(bare)
      expect(await store.findUser('c')).toBeNull()
    })

    it('replaces what may change of a user, and not when it began', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      await store.updateUser(user('a', { name: 'Renamed', emailVerified: false, createdAt: 1 }))
      expect(await store.findUser('a')).toEqual(
        user('a', { name: 'Renamed', emailVerified: false }),
      )
      expect(await store.findUser('b')).toEqual(user('b'))
    })

    it('keeps names that look like SQL, and every letter', async () => {
      const name = `'); DROP TABLE latchkey_users; -- % _ \\ " 名前 \u{1F600} ${'x'.repeat(200)}`
      await store.insertUser(user('a', { name }))
      expect((await store.findUser('a'))?.name).toBe(name)
    })

    it('finds an identity by provider and subject together, letter for letter', async () => {
      await store.insertUser(user('a'))
      const known = identity('a')
      expect(await store.insertIdentity(known)).toBe(true)
      expect(await store.findIdentity('bitbucket', known.subject)).toEqual(known)
      expect(await store.findIdentity('other', known.subject)).toBeNull()
      expect(await store.findIdentity('bitbucket', known.subject.toUpperCase())).toBeNull()
      expect(await store.findIdentity('bitbucket', '')).toBeNull()
    })

    it('has one identity for a provider’s subject, whoever asks for a second', async () => {
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

    it('finds a session with its user', async () => {
      await store.insertUser(user('a'))
      await store.insertSession(session('s', 'a'))
      await store.insertSession({ ...session('t', 'a'), provider: null })
      expect(await store.findSession('s')).toEqual({ session: session('s', 'a'), user: user('a') })
      expect((await store.findSession('t'))?.session.provider).toBeNull()
      expect(await store.findSession('S')).toBeNull()
    })

    it('has no session without a user', async () => {
      await expect(store.insertSession(session('s', 'nobody'))).rejects.toThrow()
      expect(await store.findSession('s')).toBeNull()
    })

    it('ends one session, all of a user’s, or all but one', async () => {
      await store.insertUser(user('a'))
      await store.insertUser(user('b'))
      for (const id of ['1', '2', '3']) await store.insertSession(session(id, 'a'))
      await store.insertSession(session('other', 'b'))
      const left = async (): Promise<string[]> => {
        const found = await Promise.all(['1', '2', '3', 'other'].map((id) => store.findSession(id)))
        return found.flatMap((row) => row?.session.id ?? [])
      }
      await store.deleteSession('1')
      expect(await left()).toEqual(['2', '3', 'other'])
      await store.deleteSessionsOf('a', '3')
      expect(await left()).toEqual(['3', 'other'])
      await store.deleteSessionsOf('a')
      expect(await left()).toEqual(['other'])
      await store.deleteSession('not there')
    })

    it('gives a flow to exactly one of many', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.useFlow('flow', 2_000_000_000_000)),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await store.useFlow('flow', 2_000_000_000_000)).toBe(false)
      expect(await store.useFlow('another', 2_000_000_000_000)).toBe(true)
    })

    it('forgets what has expired, a bounded number at a time', async () => {
      await store.insertUser(user('a'))
      for (let row = 0; row < 5; row++) {
        await store.useFlow(`old-${row}`, 100)
        await store.insertSession(session(`old-${row}`, 'a', 100))
      }
      await store.useFlow('new', 300)
      await store.insertSession(session('new', 'a', 300))
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

    it.each(['process', 'power-loss'] as const)(
      'does all of a transaction or nothing (durable for %s)',
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

    it('runs transactions side by side as if in turn', async () => {
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

    it('opens again and again, and answers nothing once the last has closed it', async () => {
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
