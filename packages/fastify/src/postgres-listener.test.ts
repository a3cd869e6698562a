import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type PostgresOptions, postgres } from './postgres.ts'
import type { Change, Store, Watch } from './store.ts'
import { temporaryFile } from './testing/app.ts'
import { ask, emptyDatabase, ownServer } from './testing/postgres.ts'
import { startProxy } from './testing/proxy.ts'
import { session, user } from './testing/stored.ts'

interface Watched {
  readonly store: Store
  readonly watch: Watch
  /** What it was told, since the test last looked. */
  readonly told: Change[]
  readonly warnings: string[]
}

async function open(url: string, options?: PostgresOptions): Promise<Watched> {
  const store = postgres(url, options)
  const told: Change[] = []
  const warnings: string[] = []
  const watch = store.watch?.(
    (change) => told.push(change),
    (message) => warnings.push(message),
  )
  if (watch === undefined) throw new Error('the store cannot be watched')
  await store.open()
  onTestFinished(() => store.close())
  return { store, watch, told, warnings }
}

async function becomesCurrent({ watch }: Watched): Promise<void> {
  await vi.waitFor(() => expect(watch.isCurrent()).toBe(true), 20_000)
}

async function stopsBeingCurrent({ watch }: Watched): Promise<void> {
  await vi.waitFor(() => expect(watch.isCurrent()).toBe(false), 20_000)
}

/** Two servers on one database, which both hear each other. */
async function openTwo(url: string): Promise<[Watched, Watched]> {
  const both: [Watched, Watched] = [await open(url), await open(url)]
  for (const one of both) {
    await becomesCurrent(one)
    one.told.length = 0
  }
  return both
}

describe('a change by one server', () => {
  it('is told to the others in order, if it ends or changes what they may know', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    await one.store.insertUser(user)
    await one.store.insertSession(session)
    await one.store.touchSession('s', session.lastUsedAt + 1)
    await one.store.useFlow('flow', 1)
    expect(one.told).toEqual([])
    // Another that joins does not disturb them.
    await becomesCurrent(await open(url))
    await one.store.rotateSession('s', 'other hash')
    await one.store.updateUser({ ...user, bannedAt: 1 })
    await one.store.deleteSessionsOf('a')
    await one.store.deleteAllSessions()
    await vi.waitFor(() => expect(other.told).toContain('everything'))
    expect(other.told).toEqual([{ session: 's' }, { user: 'a' }, { user: 'a' }, 'everything'])
    expect(other.watch.isCurrent()).toBe(true)
  })

  it('is told once it is committed and not before, and never if it is undone', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    const undone = one.store.transaction('process', async (queries) => {
      await queries.deleteSession('undone')
      throw new Error('halfway')
    })
    await expect(undone).rejects.toThrow('halfway')
    await ask(
      url,
      `create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'refused by the commit'; end $$;
      create constraint trigger refuse after delete on latchkey_sessions
        deferrable initially deferred for each row execute function refuse()`,
    )
    await one.store.insertUser(user)
    await one.store.insertSession(session)
    await expect(one.store.deleteSession('s')).rejects.toThrow('refused by the commit')
    await one.store.transaction('process', async (queries) => {
      await queries.deleteSession('later')
      await other.store.deleteSession('sooner')
    })
    await one.store.deleteSession('last')
    await vi.waitFor(() => expect(other.told).toContainEqual({ session: 'last' }))
    // What it did itself it has been told of twice.
    expect(other.told).toEqual([
      { session: 'sooner' },
      { session: 'sooner' },
      { session: 'later' },
      { session: 'last' },
    ])
  })

  it('of more than a notification can hold is told as everything', async () => {
    const [one, other] = await openTwo(await emptyDatabase())
    await one.store.transaction('process', async (queries) => {
      for (let id = 0; id < 400; id++) await queries.deleteSession(`session-${id}`)
    })
    await one.store.deleteSession('last')
    await vi.waitFor(() => expect(other.told).toContainEqual({ session: 'last' }))
    expect(other.told).toEqual(['everything', { session: 'last' }])
  })

  it('that cannot be read is told as everything', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    for (const payload of ['', '[', '{"session":"s"}', '[{"session":7}]', '[null]']) {
      one.told.length = 0
      await ask(url, "select pg_notify('latchkey', $1)", [payload])
      await vi.waitFor(() => expect(one.told).toEqual(['everything']))
    }
    expect(one.watch.isCurrent()).toBe(true)
  })
})

describe('a server that does not hear the others', () => {
  it('because its connection was cut trusts nothing, and hears them again by itself', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    await ask(
      url,
      "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen latchkey' and datname = current_database()",
    )
    for (const deaf of [one, other])
      await vi.waitFor(() => expect(deaf.told).toContain('everything'))
    await Promise.all([one, other].map(becomesCurrent))
    await one.store.deleteSession('s')
    await vi.waitFor(() => expect(other.told.at(-1)).toEqual({ session: 's' }))
    expect(other.told).toEqual(['everything', 'everything', { session: 's' }])
    expect([...one.warnings, ...other.warnings]).toEqual([])
  })

  it('because its connection hangs trusts nothing once an echo is overdue, and warns if it stays so', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const one = await open(url, { listenUrl: proxy.url, timeout: 1000 })
    await becomesCurrent(one)
    proxy.hang()
    await stopsBeingCurrent(one)
    expect(await one.store.findUser('a')).toBeNull()
    await vi.waitFor(() => expect(one.warnings).toHaveLength(1), 20_000)
    expect(one.warnings[0]).not.toContain('PgBouncer')
    proxy.pass()
    await becomesCurrent(one)
    expect(one.warnings[1]).toBe('PostgreSQL tells this server again what others change.')
    // Every outage is worth a warning.
    proxy.refuse()
    proxy.cut()
    await vi.waitFor(() => expect(one.warnings).toHaveLength(3), 20_000)
    expect(one.watch.isCurrent()).toBe(false)
  })

  it('because its connection cannot even be made tries again, and ends no process', async () => {
    const url = await emptyDatabase()
    const certificate = temporaryFile()
    writeFileSync(certificate, '')
    const listenUrl = new URL(url)
    listenUrl.searchParams.set('application_name', 'listener')
    listenUrl.searchParams.set('sslmode', 'disable')
    // Which pg reads anew for each connection.
    listenUrl.searchParams.set('sslrootcert', certificate)
    const one = await open(url, { listenUrl: listenUrl.href, timeout: 1000 })
    await becomesCurrent(one)
    rmSync(certificate)
    const end =
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'"
    await ask(url, end)
    await vi.waitFor(() => expect(one.warnings.join()).toContain('ENOENT'), 20_000)
    expect(one.watch.isCurrent()).toBe(false)
    writeFileSync(certificate, '')
    await becomesCurrent(one)
  })

  it('because a pooler swallows LISTEN never trusts anything, and warns once, naming listenUrl', async () => {
    const url = await emptyDatabase()
    const pooler = await startProxy(url, { pooler: true })
    const one = await open(pooler.url, { timeout: 1000 })
    await vi.waitFor(() => expect(one.warnings).toHaveLength(1), 20_000)
    expect(one.warnings[0]).toMatch(/notifications do not come through.*PgBouncer.*listenUrl/)
    const before = one.told.length
    await vi.waitFor(() => expect(one.told.length).toBeGreaterThan(before + 1), 20_000)
    expect(one.warnings).toHaveLength(1)
    expect(one.watch.isCurrent()).toBe(false)
    await one.store.insertUser(user)
    expect(await one.store.findUser('a')).toEqual(user)
  })

  it('behind a pooler hears them all the same with a listenUrl around it', async () => {
    const url = await emptyDatabase()
    const pooler = await startProxy(url, { pooler: true })
    const [one, other] = [
      await open(pooler.url, { listenUrl: url }),
      await open(pooler.url, { listenUrl: url }),
    ]
    await Promise.all([one, other].map(becomesCurrent))
    await one.store.deleteSession('s')
    await vi.waitFor(() => expect(other.told.at(-1)).toEqual({ session: 's' }))
    expect([...one.warnings, ...other.warnings]).toEqual([])
  })

  it('because its listenUrl leads to another database trusts nothing, and warns', async () => {
    const one = await open(await emptyDatabase(), {
      listenUrl: await emptyDatabase(),
      timeout: 1000,
    })
    await vi.waitFor(() => expect(one.warnings).toHaveLength(1), 20_000)
    expect(one.watch.isCurrent()).toBe(false)
  })

  it('because PostgreSQL was killed trusts nothing until it is back', async () => {
    const server = await ownServer()
    const one = await open(server.url)
    await becomesCurrent(one)
    await server.kill()
    await stopsBeingCurrent(one)
    await server.start()
    one.told.length = 0
    await becomesCurrent(one)
    expect(one.told).toContain('everything')
  })
})

describe('what was read once', () => {
  it('may be trusted for maxStaleness', async () => {
    const url = await emptyDatabase()
    expect((await open(url)).watch.maxAge).toBe(5_000)
    expect((await open(url, { maxStaleness: 700 })).watch.maxAge).toBe(700)
  })

  it('is never trusted with a maxStaleness of 0, and then nobody listens', async () => {
    const url = await emptyDatabase()
    const [never, other] = [await open(url, { maxStaleness: 0 }), await open(url)]
    await becomesCurrent(other)
    expect(never.watch.isCurrent()).toBe(false)
    const listeners = await ask(
      url,
      "select 1 from pg_stat_activity where query = 'listen latchkey' and datname = current_database()",
    )
    expect(listeners).toHaveLength(1)
  })

  it('is not trusted once the store is closed', async () => {
    const one = await open(await emptyDatabase())
    await becomesCurrent(one)
    await one.store.close()
    expect(one.watch.isCurrent()).toBe(false)
  })
})
