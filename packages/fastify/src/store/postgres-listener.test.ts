import { rmSync, writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { temporaryFile } from '../testing/app.ts'
import {
  ask,
  connect,
  emptyDatabase,
  ownServer,
  withRole,
  withSettings,
} from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'
import { ending, never, session, user } from '../testing/stored.ts'
import { type PostgresOptions, postgres } from './postgres.ts'
import type { Change, EndReason, Store, Watch } from './store.ts'

interface Watched {
  readonly store: Store
  readonly watch: Watch
  /** The changes that were reported since the test last looked. */
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

/** Stores a user with these sessions. */
async function store({ store }: Watched, ...ids: string[]): Promise<void> {
  await store.insertUser(user)
  await store.transaction('process', async (queries) => {
    for (const id of ids) await queries.insertSession({ ...session, id })
  })
}

/** The PostgreSQL processes of the listening connections. */
async function listening(url: string): Promise<unknown[]> {
  const rows = await ask(
    url,
    `select pid from pg_stat_activity where datname = current_database()
      and (query = 'listen latchkey' or query like 'select pg_current_snapshot()%') order by pid`,
  )
  return rows.map(({ pid }) => pid)
}

/**
 * Waits until every transaction that has begun on the server is over. Tests of other files share the server, and
 * their transactions keep the record from being swept.
 */
async function transactionsAreOver(url: string): Promise<void> {
  const [begun] = await ask(url, 'select pg_current_xact_id()::text as id')
  const question = `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > ${begun?.id} as over`
  await vi.waitFor(async () => expect(await ask(url, question)).toEqual([{ over: true }]), 20_000)
}

function ended(id: string, reason: EndReason = 'revoked'): Change {
  return { session: id, user: 'a', ended: reason }
}

/** Two servers with one database, which are both current. */
async function openTwo(url: string): Promise<[Watched, Watched]> {
  const both: [Watched, Watched] = [await open(url), await open(url)]
  for (const one of both) {
    await becomesCurrent(one)
    one.told.length = 0
  }
  return both
}

/**
 * Removes repeated changes. A server may report its own change twice, because its listener may read the
 * record before the response to the commit arrives.
 */
function withoutRepeats(told: readonly Change[]): Change[] {
  return [...new Map(told.map((change) => [JSON.stringify(change), change])).values()]
}

describe('a change by one server', () => {
  it('is reported to the others, in order, if it invalidates their earlier results', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    await one.store.insertUser(user)
    await one.store.insertSession(session)
    await one.store.touchSessions(['s'], session.lastUsedAt + 1, never)
    await one.store.useFlow('flow', 1)
    expect(one.told).toEqual([])
    // Another server that joins does not affect them.
    await becomesCurrent(await open(url))
    await one.store.rotateSession('s', 'other hash')
    await one.store.updateUser({ ...user, bannedAt: 1 })
    await one.store.deleteSessionsOf('a', ending)
    await one.store.deleteAllSessions(ending)
    await vi.waitFor(() => expect(other.told).toContainEqual({ everyone: 'revoked' }))
    // Changes that are read together are reported together, with session ends first.
    expect(new Set(other.told)).toEqual(
      new Set([{ session: 's' }, { user: 'a' }, ended('s'), { everyone: 'revoked' }]),
    )
    expect(other.told).toHaveLength(4)
    expect(other.watch.isCurrent()).toBe(true)
  })

  it('is reported only after its commit, and never after a rollback', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    await store(one, 'undone', 'refused', 'sooner', 'later', 'last')
    const undone = one.store.transaction('process', async (queries) => {
      await queries.deleteSession('undone', ending)
      throw new Error('halfway')
    })
    await expect(undone).rejects.toThrow('halfway')
    await ask(
      url,
      `create function refuse() returns trigger language plpgsql as
        $$ begin if old.id = 'refused' then raise exception 'refused by the commit'; end if;
          return null; end $$;
      create constraint trigger refuse after delete on latchkey_sessions
        deferrable initially deferred for each row execute function refuse()`,
    )
    const refused = one.store.deleteSession('refused', ending)
    await expect(refused).rejects.toThrow('refused by the commit')
    // It is uncertain whether a failed commit took effect, so the session must be read again.
    expect(one.told).toEqual([{ session: 'refused' }])
    await one.store.transaction('process', async (queries) => {
      await queries.deleteSession('later', ending)
      await other.store.deleteSession('sooner', ending)
    })
    await one.store.deleteSession('last', ending)
    await vi.waitFor(() => expect(other.told).toContainEqual(ended('last')))
    expect(withoutRepeats(other.told)).toEqual([ended('sooner'), ended('later'), ended('last')])
  })

  it('that is too large for a notification is reported row by row', async () => {
    const [one, other] = await openTwo(await emptyDatabase())
    const ids = Array.from({ length: 200 }, (_, index) => `session-${index}`)
    await store(one, ...ids)
    await one.store.deleteSessionsOf('a', ending)
    await vi.waitFor(() => expect(other.told).toHaveLength(ids.length))
    expect(new Set(other.told.map((change) => Object(change).session))).toEqual(new Set(ids))
    expect(other.told).toContainEqual(ended('session-199'))
  })

  it('to more than a thousand sessions is reported as a change of everything', async () => {
    const [one, other] = await openTwo(await emptyDatabase())
    await store(one, ...Array.from({ length: 1001 }, (_, index) => `session-${index}`))
    await one.store.deleteSessionsOf('a', ending)
    await vi.waitFor(() => expect(other.told).toEqual(['everything']))
    expect(withoutRepeats(one.told)).toEqual(['everything'])
  })

  it('is read from the record, never from a notification, which anyone can send', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's')
    const xid = '999999999999'
    for (const payload of [
      '',
      '[',
      '["everything"]',
      '[{"session":"s"}]',
      `[{"xid":"${xid}","type":"everything","reason":"revoked"}]`,
      '[{"xid":"x","type":"session-ended","session":"s","user":"a"}]',
    ]) {
      await ask(url, "select pg_notify('latchkey', $1)", [payload])
    }
    await ask(url, "delete from latchkey_sessions where id = 's'")
    await vi.waitFor(() => expect(one.told).toEqual([ended('s', 'unknown')]), 20_000)
    expect(one.watch.isCurrent()).toBe(true)
  })

  it('is not reported to another installation in another schema of the same database', async () => {
    const url = await emptyDatabase()
    await ask(url, 'create schema one; create schema two')
    const [one, two] = [
      await open(withSettings(url, '-c search_path=one')),
      await open(withSettings(url, '-c search_path=two')),
    ]
    for (const installation of [one, two]) {
      await becomesCurrent(installation)
      await store(installation, 's')
    }
    await one.store.deleteAllSessions(ending)
    expect(withoutRepeats(one.told)).toEqual([ended('s'), { everyone: 'revoked' }])
    await two.store.deleteSession('s', ending)
    expect(withoutRepeats(two.told)).toEqual([ended('s')])
  })
})

describe('a server that cannot receive changes from others', () => {
  it('because its connection was cut is not current until it has reconnected', async () => {
    const url = await emptyDatabase()
    const [one, other] = await openTwo(url)
    const before = await listening(url)
    await ask(url, 'select pg_terminate_backend($1), pg_terminate_backend($2)', before)
    await vi.waitFor(async () => {
      const pids = await listening(url)
      expect(pids.filter((pid) => !before.includes(pid))).toHaveLength(2)
    }, 20_000)
    await Promise.all([one, other].map(becomesCurrent))
    await store(one, 's')
    await one.store.deleteSession('s', ending)
    await vi.waitFor(() => expect(other.told.at(-1)).toEqual(ended('s')))
    expect(other.told).toEqual([ended('s')])
    expect([...one.warnings, ...other.warnings]).toEqual([])
  })

  it('reads the missed changes once it is back, and reports nothing else', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const [one, other] = [await open(url, { listenUrl: proxy.url, timeout: 1000 }), await open(url)]
    await Promise.all([one, other].map(becomesCurrent))
    await store(other, 's', 't', 'u')
    proxy.refuse()
    proxy.cut()
    await stopsBeingCurrent(one)
    await other.store.deleteSession('s', ending)
    await ask(url, "delete from latchkey_sessions where id = 't'")
    expect(one.told).toEqual([])
    proxy.pass()
    await becomesCurrent(one)
    expect(one.told).toEqual([ended('s'), ended('t', 'unknown')])
  })

  it('because its connection hangs stops being current once an echo is overdue, and warns if that lasts', async () => {
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
    expect(one.warnings[1]).toBe('PostgreSQL notifications are arriving again.')
    // Each outage causes a warning.
    proxy.refuse()
    proxy.cut()
    await vi.waitFor(() => expect(one.warnings).toHaveLength(3), 20_000)
    expect(one.watch.isCurrent()).toBe(false)
  })

  it('because its client cannot be created tries again, and does not end the process', async () => {
    const url = await emptyDatabase()
    const certificate = temporaryFile()
    writeFileSync(certificate, '')
    const listenUrl = new URL(url)
    listenUrl.searchParams.set('application_name', 'listener')
    listenUrl.searchParams.set('sslmode', 'disable')
    // pg reads the file again for each connection.
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

  it('because a pooler drops LISTEN is never current, and warns once, naming listenUrl', async () => {
    const url = await emptyDatabase()
    const pooler = await startProxy(url, { pooler: true })
    const one = await open(pooler.url, { timeout: 1000 })
    await vi.waitFor(() => expect(one.warnings).toHaveLength(1), 20_000)
    expect(one.warnings[0]).toMatch(/notifications are not arriving.*PgBouncer.*listenUrl/)
    // It tries again, but still receives nothing.
    const first = await listening(url)
    await vi.waitFor(async () => expect(await listening(url)).not.toEqual(first), 20_000)
    expect(one.warnings).toHaveLength(1)
    expect(one.watch.isCurrent()).toBe(false)
    await one.store.insertUser(user)
    expect(await one.store.findUser('a')).toEqual(user)
  })

  it('behind a pooler receives them with a listenUrl that bypasses it', async () => {
    const url = await emptyDatabase()
    const pooler = await startProxy(url, { pooler: true })
    const [one, other] = [
      await open(pooler.url, { listenUrl: url }),
      await open(pooler.url, { listenUrl: url }),
    ]
    await Promise.all([one, other].map(becomesCurrent))
    await store(one, 's')
    await one.store.deleteSession('s', ending)
    await vi.waitFor(() => expect(other.told.at(-1)).toEqual(ended('s')))
    expect([...one.warnings, ...other.warnings]).toEqual([])
  })

  it('because its listenUrl points to another database is not current, and warns', async () => {
    const one = await open(await emptyDatabase(), {
      listenUrl: await emptyDatabase(),
      timeout: 1000,
    })
    await vi.waitFor(() => expect(one.warnings).toHaveLength(1), 20_000)
    expect(one.watch.isCurrent()).toBe(false)
  })

  it('because PostgreSQL was killed is not current until it is back', async () => {
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

describe('the record', () => {
  it('reports a change without a notification within a second, regardless of the order of commits', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    const ids = Array.from({ length: 14 }, (_, index) => `${index}`)
    await store(one, ...ids)
    const [slow, quick] = [await connect(url), await connect(url)]
    await slow.query("begin; delete from latchkey_sessions where id = '0'")
    for (const id of ids.slice(1, 13)) {
      await quick.query('delete from latchkey_sessions where id = $1', [id])
    }
    await vi.waitFor(() => expect(one.told).toHaveLength(12), 20_000)
    await quick.query("delete from latchkey_sessions where id = '13'")
    await vi.waitFor(() => expect(one.told).toHaveLength(13), 20_000)
    expect(one.told).not.toContainEqual(ended('0', 'unknown'))
    await slow.query('commit')
    await vi.waitFor(() => expect(one.told.at(-1)).toEqual(ended('0', 'unknown')), 20_000)
    expect(one.told).toHaveLength(14)
  })

  it('reports what a server of the previous version ends, as soon as it sends a notification', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's')
    const before = await connect(url)
    await before.query(`begin; delete from latchkey_sessions where id = 's';
      select pg_notify('latchkey', '[{"session":"s"}]'); commit`)
    await vi.waitFor(() => expect(one.told).toEqual([ended('s', 'unknown')]))
  })

  it('reports the end of a session before other changes in the same transaction', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's')
    const hand = await connect(url)
    await hand.query(
      `begin; update latchkey_users set banned_at = 1; delete from latchkey_sessions; commit`,
    )
    await vi.waitFor(() => expect(one.told).toEqual([ended('s', 'unknown'), { user: 'a' }]), 20_000)
  })

  it('reports that anything may have changed after a crash, which may reuse ids', async () => {
    const server = await ownServer()
    const one = await open(server.url)
    await becomesCurrent(one)
    await store(one, 's')
    const victim = await connect(server.url)
    const [{ pid }] = (await victim.query('select pg_backend_pid() as pid')).rows
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(one.told).toContain('everything'), 30_000)
    await becomesCurrent(one)
    await one.store.deleteSession('s', ending)
    expect(one.told.at(-1)).toEqual(ended('s'))
  })

  it('ignores and sweeps rows with future ids, from another cluster’s dump', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's')
    await ask(
      url,
      "insert into latchkey_record (xid, type) select '999999999999'::xid8, 'everything' from generate_series(1, 20)",
    )
    await ask(url, "delete from latchkey_sessions where id = 's'")
    await vi.waitFor(() => expect(one.told).toEqual([ended('s', 'unknown')]), 20_000)
    await one.store.deleteExpired(0, 0, 1)
    expect(await ask(url, 'select type from latchkey_record')).toEqual([{ type: 'session-ended' }])
  })

  it.each([
    ['truncate latchkey_sessions', ['everything']],
    ['truncate latchkey_users cascade', ['everything', 'everything']],
    ["delete from latchkey_users where id = 'a'", [ended('s', 'unknown'), { user: 'a' }]],
    ["update latchkey_users set banned_at = 1 where id = 'a'", [{ user: 'a' }]],
    ["update latchkey_users set name = name where id = 'a'", []],
    ["update latchkey_sessions set expires_at = 1 where id = 's'", [{ session: 's' }]],
    ["update latchkey_sessions set last_used_at = 1 where id = 's'", []],
  ] as [string, Change[]][])('reports `%s` run by hand', async (statement, changes) => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's', 'last')
    // Run it from another schema, as an administrator might.
    await ask(url, 'create schema elsewhere')
    const hand = await connect(url)
    await hand.query(`set search_path = elsewhere, pg_temp;
      ${statement.replaceAll('latchkey_', 'public.latchkey_')}`)
    if (!statement.startsWith('truncate') && !statement.includes('delete')) {
      await hand.query("delete from public.latchkey_sessions where id = 'last'")
    }
    await vi.waitFor(
      () => expect(one.told.length).toBeGreaterThanOrEqual(Math.max(changes.length, 1)),
      20_000,
    )
    const others = one.told.filter((change) => Object(change).session !== 'last')
    expect(new Set(others)).toEqual(new Set(changes))
  })

  it('is written even if the role that changes a row has no permission to write to the record', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's')
    const clerk = await withRole(url, 'password')
    await ask(url, `grant select, delete on latchkey_sessions to ${new URL(clerk).username}`)
    await ask(clerk, "delete from latchkey_sessions where id = 's'")
    await vi.waitFor(() => expect(one.told).toEqual([ended('s', 'unknown')]), 20_000)
    await ask(url, `drop owned by ${new URL(clerk).username}`)
  })

  it('is swept only once no reader needs it anymore', async () => {
    const url = await emptyDatabase()
    const one = await open(url)
    await becomesCurrent(one)
    await store(one, 's', 't')
    const rows = async (): Promise<unknown[]> => {
      await one.store.deleteExpired(0, 0, 1)
      const left = await ask(url, 'select session_id from latchkey_record order by id')
      return left.map((row) => row.session_id)
    }
    const start = performance.now()
    const clock = vi.spyOn(performance, 'now')
    onTestFinished(() => clock.mockRestore())
    const at = (minutes: number): void => void clock.mockReturnValue(start + minutes * 60_000)
    await one.store.deleteSession('s', ending)
    await transactionsAreOver(url)
    at(9.9)
    expect(await rows()).toEqual(['s'])
    // By now, it is known that every transaction can see the end of `s`.
    await vi.waitFor(() => expect(one.watch.isCurrent()).toBe(true), 20_000)
    await one.store.deleteSession('t', ending)
    at(19.8)
    expect(await rows()).toEqual(['s', 't'])
    at(20)
    expect(await rows()).toEqual(['t'])
  })

  it('is read from its start after an absence longer than its retention', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const one = await open(url, { listenUrl: proxy.url, timeout: 1000 })
    await becomesCurrent(one)
    proxy.refuse()
    proxy.cut()
    await stopsBeingCurrent(one)
    const later = Date.now() + 6 * 60_000
    const wall = vi.spyOn(Date, 'now').mockReturnValue(later)
    onTestFinished(() => wall.mockRestore())
    proxy.pass()
    await vi.waitFor(() => expect(one.told).toEqual(['everything']), 20_000)
  })
})

describe('an earlier result', () => {
  it('is unreliable once the record has not been read for maxStaleness, and reliable again later', async () => {
    const url = await emptyDatabase()
    const proxy = await startProxy(url)
    const one = await open(url, { listenUrl: proxy.url, maxStaleness: 600 })
    await becomesCurrent(one)
    proxy.hang()
    await stopsBeingCurrent(one)
    expect(one.watch.isFollowing()).toBe(true)
    expect(one.told).toEqual([])
    proxy.pass()
    await becomesCurrent(one)
    expect(one.told).toEqual([])
  })

  it.each([
    ['wall', 'jumps ahead', 60_000],
    ['wall', 'jumps back', -60_000],
    ['monotonic', 'jumps ahead', 60_000],
  ] as const)('is unreliable when the %s clock %s', async (clock, _how, jump) => {
    const one = await open(await emptyDatabase())
    await becomesCurrent(one)
    const [wall, monotonic] = [Date.now(), performance.now()]
    const spy =
      clock === 'wall'
        ? vi.spyOn(Date, 'now').mockReturnValue(wall + jump)
        : vi.spyOn(performance, 'now').mockReturnValue(monotonic + jump)
    await nextTurn()
    const isCurrent = one.watch.isCurrent()
    spy.mockRestore()
    expect(isCurrent).toBe(false)
    await becomesCurrent(one)
  })

  it('is never reliable with a maxStaleness of 0, and no connection listens', async () => {
    const url = await emptyDatabase()
    const [never, other] = [await open(url, { maxStaleness: 0 }), await open(url)]
    await becomesCurrent(other)
    expect(never.watch.isCurrent()).toBe(false)
    expect(await listening(url)).toHaveLength(1)
  })

  it('is unreliable once the store is closed', async () => {
    const one = await open(await emptyDatabase())
    await becomesCurrent(one)
    await one.store.close()
    expect(one.watch.isCurrent()).toBe(false)
  })
})
