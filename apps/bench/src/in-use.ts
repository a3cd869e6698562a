import { join } from 'node:path'
import type { Place, Visitor } from './contenders/contender.ts'
import type { StoreKind } from './contenders/latchkey.ts'
import { countStatements, type StatementCount } from './database.ts'
import { fillPostgres, fillSqlite } from './fill.ts'
import type { Load, LoadOrder } from './load.ts'
import { check, type Measured, measureOnce } from './measure.ts'
import { type Program, start } from './processes.ts'
import { makePlace, type Run } from './run.ts'
import type { Server } from './server.ts'
import type { Writer } from './writer.ts'

// Measures the cost of the guard as the number of active sessions grows. In `stored.ts`, the number of stored
// sessions grows while the same thousand are used. Here all stored sessions are used.

export interface InUseResult {
  readonly connections: number
  /** How long each round measures the guarded route and the route without a check. */
  readonly seconds: Pace
  readonly rows: readonly InUseRow[]
  readonly coldStarts: readonly ColdStart[]
}

export interface InUseRow extends Setup {
  /** Commits per second by the second process, or 0 if there is none. */
  readonly foreignCommits: number
  readonly rounds: readonly InUseRound[]
}

export interface Setup {
  readonly store: StoreKind
  readonly sessions: number
  /** How many servers share the store. Each of them receives requests for all sessions in turn. */
  readonly servers: number
  /** Whether another process writes to the same SQLite file. */
  readonly isShared: boolean
}

/** Results for servers that have just started, with nothing in memory. Each session is used once. */
export interface ColdStart {
  readonly store: StoreKind
  readonly sessions: number
  readonly rounds: readonly InUseRound[]
}

export interface InUseRound {
  /**
   * The same number of servers without a check, under the same load: the mean of the measurements just before and just
   * after.
   */
  readonly bare: Measured
  readonly guarded: Measured
  /** What PostgreSQL ran while the guarded route was measured. `null` for SQLite. */
  readonly statements: { readonly count: number; readonly seconds: number } | null
}

interface Pace {
  readonly guarded: number
  readonly bare: number
}

const CONNECTIONS = 64
const FOREIGN_COMMITS = 20
const MINUTE = 60_000
/** In seconds. Long enough for any pass over all sessions. */
const UNTIL_DONE = 600

export async function measureInUse(run: Run): Promise<InUseResult> {
  const sizes = run.quick ? [100, 1_000] : [100, 1_000, 10_000, 40_000]
  const sharedSizes = run.quick ? [1_000] : [1_000, 10_000]
  const rounds = run.quick ? 1 : 4
  const coldRounds = run.quick ? 1 : 3
  // A guarded round is longer than the five seconds after which an earlier version read each session again.
  // A bare round is short, because nothing uses the sessions in the meantime.
  const seconds = run.quick ? { guarded: 1, bare: 0.5 } : { guarded: 6, bare: 2 }

  const one = { servers: 1, isShared: false }
  const setups: readonly Setup[] = [
    ...sizes.map((sessions): Setup => ({ ...one, store: 'sqlite', sessions })),
    ...sizes.map((sessions): Setup => ({ ...one, store: 'postgres', sessions })),
    { ...one, store: 'postgres', sessions: Math.max(...sharedSizes), servers: 2 },
    ...sharedSizes.map(
      (sessions): Setup => ({ ...one, store: 'sqlite', sessions, isShared: true }),
    ),
  ]
  const load = await start<Load>('load.ts', { measured: false })
  const rows: InUseRow[] = []
  for (const setup of setups) rows.push(await measureRow(run, load, setup, { seconds, rounds }))
  const coldStarts: ColdStart[] = []
  for (const store of ['sqlite', 'postgres'] as const) {
    const setup = { ...one, store, sessions: Math.max(...sizes) }
    coldStarts.push(await measureColdStart(run, load, setup, coldRounds))
  }
  await load.end()
  return { connections: CONNECTIONS, seconds, rows, coldStarts }
}

/**
 * Measures all rounds of one row before the next row begins, so that its sessions stay active. If the rows took turns,
 * minutes would pass between two rounds of a row, and the server would record the use of each session in the second
 * round. The servers without a check run at the same time, and are measured between the guarded rounds.
 */
async function measureRow(
  run: Run,
  load: Program<Load>,
  setup: Setup,
  { seconds, rounds }: { seconds: Pace; rounds: number },
): Promise<InUseRow> {
  const title = titleOf(setup)
  run.say(`${title}: starting`)
  const [bare, filled] = await Promise.all([startBare(run, setup), fillStore(run, setup, title)])
  const guarded = await startGuarded(setup, filled)
  const writer = setup.isShared ? await startWriter(filled.place) : undefined

  for (const group of [bare, guarded]) {
    // After this, each server has cached every session.
    await load.put({ ...group.order, seconds: UNTIL_DONE, once: true })
    await load.put({ ...group.order, seconds: seconds.bare })
  }
  const measureBare = async (): Promise<Measured> => {
    await load.put({ ...bare.order, seconds: seconds.bare / 4 })
    return measureGroup(load, bare, { seconds: seconds.bare })
  }
  const result: InUseRound[] = []
  let before = await measureBare()
  for (let number = 1; number <= rounds; number++) {
    await load.put({ ...guarded.order, seconds: seconds.guarded / 6 })
    const counted = await counting(filled.statements, () =>
      measureGroup(load, guarded, { seconds: seconds.guarded }),
    )
    const after = await measureBare()
    const round: InUseRound = { bare: meanOf(before, after), ...counted }
    before = after
    result.push(round)
    run.say(`${title}: round ${number} of ${rounds}, ${inWords(round)}`)
  }

  const written = await writer?.stop()
  for (const program of [...bare.servers, ...guarded.servers, ...(writer ? [writer] : [])]) {
    await program.end()
  }
  await filled.statements?.end()
  const foreignCommits = written === undefined ? 0 : written.commits / written.seconds
  return { ...setup, foreignCommits, rounds: result }
}

/** Restarts both servers in each round and uses every session once. */
async function measureColdStart(
  run: Run,
  load: Program<Load>,
  setup: Setup,
  rounds: number,
): Promise<ColdStart> {
  const title = `${titleOf(setup)}, cold start`
  run.say(`${title}: storing the sessions`)
  const filled = await fillStore(run, setup, title)
  const result: InUseRound[] = []
  for (let number = 1; number <= rounds; number++) {
    const pass = { seconds: UNTIL_DONE, once: true }
    const bare = await startBare(run, setup)
    const alone = await measureGroup(load, bare, pass)
    const guarded = await startGuarded(setup, filled, { isChecked: false })
    const counted = await counting(filled.statements, () => measureGroup(load, guarded, pass))
    const round: InUseRound = { bare: alone, ...counted }
    result.push(round)
    run.say(`${title}: round ${number} of ${rounds}, ${inWords(round)}`)
    for (const server of [...bare.servers, ...guarded.servers]) await server.end()
  }
  await filled.statements?.end()
  return { store: setup.store, sessions: setup.sessions, rounds: result }
}

/** Servers with the same task, and the load for all of them. */
interface Group {
  readonly servers: readonly Program<Server>[]
  readonly order: Omit<LoadOrder, 'seconds'>
}

async function startBare(run: Run, { servers, sessions }: Setup): Promise<Group> {
  const place: Place = { folder: run.folder, postgresUrl: '' }
  return startGroup(servers, async (server) => server.serve('bare', sessions, place), {
    isChecked: true,
    refuses: false,
  })
}

async function startGuarded(
  { servers, store }: Setup,
  { place, visitors }: FilledStore,
  { isChecked = true } = {},
): Promise<Group> {
  return startGroup(
    servers,
    async (server) => ({ port: await server.serveStore(store, place), visitors }),
    { isChecked, refuses: true },
  )
}

async function startGroup(
  count: number,
  serve: (server: Program<Server>) => Promise<{ port: number; visitors: readonly Visitor[] }>,
  { isChecked, refuses }: { isChecked: boolean; refuses: boolean },
): Promise<Group> {
  const servers: Program<Server>[] = []
  const ports: number[] = []
  let headers: string[] = []
  for (let number = 0; number < count; number++) {
    const server = await start<Server>('server.ts', { measured: true })
    const { port, visitors } = await serve(server)
    if (isChecked) await check(port, visitors, refuses)
    servers.push(server)
    ports.push(port)
    headers = visitors.map(({ header }) => header)
  }
  return { servers, order: { ports, headers, connections: CONNECTIONS, each: true } }
}

interface FilledStore {
  readonly place: Place
  readonly visitors: readonly Visitor[]
  readonly statements: StatementCount | null
}

async function fillStore(
  run: Run,
  { sessions, store }: Setup,
  title: string,
): Promise<FilledStore> {
  const name = `in-use-${title.replaceAll(/\W+/g, '-')}`
  const place = await makePlace(run, name, store === 'postgres' ? ['pg'] : [])
  // This creates the tables.
  const server = await start<Server>('server.ts', { measured: true })
  await server.serveStore(store, place)
  await server.end()

  const amounts = { sessions, inUse: sessions, away: 0, fresh: 0, lastUsedWithin: MINUTE }
  if (store === 'sqlite') {
    const { inUse } = fillSqlite(fileIn(place), amounts)
    return { place, visitors: inUse, statements: null }
  }
  const { inUse } = await fillPostgres(place.postgresUrl, amounts)
  return { place, visitors: inUse, statements: await countStatements(place.postgresUrl) }
}

async function startWriter(place: Place): Promise<Program<Writer>> {
  const writer = await start<Writer>('writer.ts', { measured: false })
  await writer.begin(fileIn(place), FOREIGN_COMMITS)
  return writer
}

function fileIn({ folder }: Place): string {
  return join(folder, 'latchkey.db')
}

/** Measures all servers of a group together. They share a core, so their CPU times add up. */
function measureGroup(
  load: Program<Load>,
  { order, servers }: Group,
  pace: Pick<LoadOrder, 'seconds' | 'once'>,
): Promise<Measured> {
  const cpu = async (): Promise<number> => {
    const times = await Promise.all(servers.map((server) => server.cpu()))
    return times.reduce((sum, time) => sum + time, 0)
  }
  return measureOnce(load, { cpu }, { ...order, ...pace })
}

function meanOf(one: Measured, other: Measured): Measured {
  const mean = (value: (measured: Measured) => number): number => (value(one) + value(other)) / 2
  return {
    requestsPerSecond: mean(({ requestsPerSecond }) => requestsPerSecond),
    cpu: mean(({ cpu }) => cpu),
    p50: mean(({ p50 }) => p50),
    p99: mean(({ p99 }) => p99),
    serverBusy: mean(({ serverBusy }) => serverBusy),
    loadBusy: mean(({ loadBusy }) => loadBusy),
  }
}

/** Counts the statements that PostgreSQL runs during `work`. */
async function counting(
  statements: StatementCount | null,
  work: () => Promise<Measured>,
): Promise<Pick<InUseRound, 'guarded' | 'statements'>> {
  const before = await statements?.read()
  const started = performance.now()
  const guarded = await work()
  const seconds = (performance.now() - started) / 1000
  const after = await statements?.read()
  if (before === undefined || after === undefined) return { guarded, statements: null }
  return { guarded, statements: { count: after - before, seconds } }
}

function titleOf({ isShared, servers, sessions, store }: Setup): string {
  const several = servers > 1 ? `, ${servers} servers` : ''
  return `${store}, ${sessions} in use${several}${isShared ? ', shared file' : ''}`
}

function inWords({ bare, guarded, statements }: InUseRound): string {
  const share = guarded.requestsPerSecond / bare.requestsPerSecond
  const words = [
    `${Math.round(guarded.requestsPerSecond)}/s, ${share.toFixed(2)} of bare`,
    `${guarded.cpu.toFixed(1)} µs`,
    `p99 ${guarded.p99.toFixed(1)} ms (bare ${bare.p99.toFixed(1)})`,
  ]
  if (statements !== null) words.push(`${statements.count} statements`)
  return words.join(', ')
}
