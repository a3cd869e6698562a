import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Visitor } from './contenders/contender.ts'
import { fillSqlite } from './fill.ts'
import { type Program, start } from './processes.ts'
import { inAnotherOrder, makePlace, type Run } from './run.ts'
import type { SocketClient } from './socket-client.ts'
import type { Firing, SocketMode, SocketServer } from './socket-server.ts'

// Measures the cost of watching the sessions of open connections, and how soon such a connection is closed.

export interface SignalsResult {
  readonly sockets: number
  /** How long the servers were idle while their CPU was measured. */
  readonly idleSeconds: number
  readonly rounds: readonly SignalsRound[]
}

export interface SignalsRound {
  readonly servers: Readonly<Record<SocketMode, SocketCost>>
  /**
   * CPU time that the server used per signal, in microseconds, when creating signals for all open sockets in one loop.
   */
  readonly creation: number
  /** One entry per banned user. Users are banned one after the other. */
  readonly bans: readonly Ending[]
  /** The revocation of all remaining sessions. */
  readonly everything: Ending & {
    readonly sessions: number
    /** CPU time that the server used from the call until the same two events, in microseconds. */
    readonly cpu: Ending
  }
}

/** The cost of the sockets on one server, with all of them open. */
export interface SocketCost {
  /** Bytes of the server's heap for each socket. */
  readonly heap: number
  /** CPU time that the server used per socket while the sockets were opened, in microseconds. */
  readonly opening: number
  /** How much of its core the idle server used, from 0 to 1. */
  readonly idle: number
}

/** Milliseconds from the call, unless noted otherwise. */
export interface Ending {
  /** Until the last signal has fired. */
  readonly fired: number
  /** Until the client has detected that the last socket is closed. */
  readonly closed: number
}

const MODES: readonly SocketMode[] = ['kept', 'closed', 'signal']
/** How many sockets are opened and closed before the heap is measured for the first time. */
const FIRST = 1_000
/** How many files a process opens in addition to the sockets. */
const OTHER_FILES = 200
/** How long objects may take to become unreachable, in milliseconds. */
const SETTLING = 500
/** How long signals and closings may take before the run fails, in milliseconds. */
const PATIENCE = 60_000

export async function measureSignals(run: Run): Promise<SignalsResult> {
  const { sockets, note } = affordableSockets(run.quick ? 1_000 : 10_000, openFilesLimit())
  if (note !== undefined) run.say(note)
  const rounds = run.quick ? 1 : 5
  const idleSeconds = run.quick ? 1 : 5
  const bans = Math.min(50, Math.floor(sockets / 20))
  const result: SignalsRound[] = []
  for (let number = 0; number < rounds; number++) {
    const round = await measureRound(run, number, { sockets, idleSeconds, bans })
    result.push(round)
    const { closed, kept, signal } = round.servers
    const heaps = [kept, closed, signal].map(({ heap }) => Math.round(heap)).join(', ')
    run.say(`round ${number + 1} of ${rounds}: ${heaps} bytes per socket`)
  }
  return { sockets, idleSeconds, rounds: result }
}

/** @returns how many sockets one process can open, with a note if that is fewer than wanted */
export function affordableSockets(
  wanted: number,
  limit: number,
): { sockets: number; note?: string } {
  const most = limit - OTHER_FILES
  if (most >= wanted) return { sockets: wanted }
  if (most < 1)
    throw new Error(`A process can open only ${limit} files. Raise the limit with \`ulimit -n\`.`)
  const note = `only ${most} sockets instead of ${wanted}, because a process can open only ${limit} files; raise the limit with \`ulimit -n\``
  return { sockets: most, note }
}

/** Returns how many files a child process can open. */
function openFilesLimit(): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })
  const limit = Number.parseInt(stdout, 10)
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit
}

interface Amounts {
  readonly sockets: number
  readonly idleSeconds: number
  readonly bans: number
}

/** A server whose sockets are all open. */
interface Opened {
  readonly server: Program<SocketServer>
  readonly client: Program<SocketClient>
  readonly visitors: readonly Visitor[]
}

async function measureRound(run: Run, number: number, amounts: Amounts): Promise<SignalsRound> {
  const servers: Partial<Record<SocketMode, SocketCost>> = {}
  let creation = Number.NaN
  let ends: Pick<SignalsRound, 'bans' | 'everything'> | undefined
  for (const mode of inAnotherOrder(MODES, number)) {
    const name = `signals-${mode}-${number}`
    const { opened, cost } = await openAll(run, name, mode, amounts)
    servers[mode] = cost
    if (mode === 'closed') creation = await opened.server.createSignals(amounts.sockets)
    if (mode === 'signal') ends = await endAll(opened, amounts)
    await opened.server.end()
    await opened.client.end()
  }
  const { closed, kept, signal } = servers
  if (!closed || !kept || !signal || !ends) throw new Error('Not every server was measured')
  return { servers: { kept, closed, signal }, creation, ...ends }
}

async function openAll(
  run: Run,
  name: string,
  mode: SocketMode,
  { idleSeconds, sockets }: Amounts,
): Promise<{ opened: Opened; cost: SocketCost }> {
  const place = await makePlace(run, name, [])
  const client = await start<SocketClient>('socket-client.ts', { measured: false })
  const server = await start<SocketServer>('socket-server.ts', {
    measured: true,
    flags: ['--expose-gc'],
  })
  const port = await server.serve(mode, place)
  const first = Math.min(FIRST, sockets)
  const sessions = sockets + first
  const file = join(place.folder, 'latchkey.db')
  const { inUse } = fillSqlite(file, { sessions, inUse: sessions, away: 0, fresh: 0 })
  const headers = inUse.map(({ header }) => header)

  // The server allocates some objects once, for its first sockets.
  await client.open({ port, headers: headers.slice(sockets) })
  await client.close()
  await setTimeout(SETTLING)

  const heapBefore = await server.heap()
  const cpuBefore = await server.cpu()
  await client.open({ port, headers: headers.slice(0, sockets) })
  const opening = ((await server.cpu()) - cpuBefore) / sockets
  await setTimeout(SETTLING)
  const heap = ((await server.heap()) - heapBefore) / sockets

  await setTimeout(SETTLING)
  const idleBefore = await server.cpu()
  const started = performance.now()
  await setTimeout(idleSeconds * 1000)
  const elapsed = (performance.now() - started) * 1000
  const idle = ((await server.cpu()) - idleBefore) / elapsed

  const count = await client.count()
  if (count !== sockets) throw new Error(`${count} of ${sockets} sockets are open (${mode})`)
  const visitors = inUse.slice(0, sockets)
  return { opened: { server, client, visitors }, cost: { heap, opening, idle } }
}

/** Bans some users one after the other, then revokes all other sessions with one call. */
async function endAll(
  { client, server, visitors }: Opened,
  amounts: Amounts,
): Promise<Pick<SignalsRound, 'bans' | 'everything'>> {
  let ended = 0
  const end = async (count: number, call: Promise<Firing>): Promise<Ending & { cpu: number }> => {
    ended += count
    const { calledAt, cpu, firedAt } = await inTime(call, 'Not every signal has fired')
    const closedAt = await inTime(client.closed(ended), 'Not every socket was closed')
    return { fired: firedAt - calledAt, closed: closedAt - calledAt, cpu }
  }

  const bans: Ending[] = []
  for (const { person } of visitors.slice(0, amounts.bans)) {
    const { closed, fired } = await end(1, server.ban(person.id))
    bans.push({ fired, closed })
  }
  const sessions = visitors.length - amounts.bans
  const before = await server.cpu()
  const { closed, cpu, fired } = await end(sessions, server.revokeEverything(sessions))
  const cpuOf: Ending = { fired: cpu, closed: (await server.cpu()) - before }

  const all = await server.fired()
  if (all !== visitors.length) throw new Error(`${all} of ${visitors.length} signals fired`)
  return { bans, everything: { sessions, fired, closed, cpu: cpuOf } }
}

function inTime<T>(promise: Promise<T>, message: string): Promise<T> {
  const timeout = setTimeout(PATIENCE, undefined, { ref: false }).then(() => {
    throw new Error(`${message} within ${PATIENCE / 1000} s`)
  })
  return Promise.race([promise, timeout])
}
