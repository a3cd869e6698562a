import { fixed, inRange, markdownTable, round, STORES } from './format.ts'
import type { ColdStart, InUseResult, InUseRound, InUseRow } from './in-use.ts'
import type { Kept, KeptBefore } from './results.ts'
import { type Spread, spread } from './statistics.ts'

// Renders the section about active sessions, with an earlier version's figures for comparison.

export interface Aim {
  readonly what: string
  readonly aim: string
  readonly found: string
  readonly met: boolean
}

type Before = KeptBefore<'in-use'> | undefined

/** A sweep that takes longer than this many seconds is shown in bold. */
const LONGEST_SWEEP = 5
/** How many more statements per second the largest number of sessions may cause than the smallest number. */
const MORE_STATEMENTS = 5
const UNKNOWN = '–'

export function inUsePart({ result }: Kept<'in-use'>, before: Before): string {
  const { connections, rows, seconds } = result
  const measured = rows.flatMap(({ rounds }) =>
    rounds.flatMap(({ bare, guarded }) => [bare, guarded]),
  )
  const busiest = Math.max(...measured.map(({ loadBusy }) => loadBusy))
  const parts = [
    `## Active sessions

The load generator requests \`GET /me\` over ${connections} connections, using each session in turn. Each round measures the
guarded route for ${seconds.guarded} s, and the route without a check for ${seconds.bare} s before and ${seconds.bare} s after. The
share is the speed of the guarded route, divided by that of the route without a check in the same round. All sessions are cached before
the first round. Their last uses are spread evenly over the minute before the run, so the server records new uses at a steady rate.`,
    beforeSentence(before),
    throughputTable(result, before),
    `*Queries/s* is the number of statements that the servers send to PostgreSQL per second, according to \`pg_stat_statements\`. *Sweep* is the time in seconds
that the load generator needs to use every session once. A sweep of more than ${LONGEST_SWEEP} s is in bold. In the row with two servers,
each server receives requests for every session. The share in that row compares the two servers with two servers without a check.
All servers run on one core. ${sharedFileSentence(rows)}`,
    costTable(result, before),
    coldStartPart(result, before),
    `The load generator used at most ${fixed(busiest * 100, 0)} % of its core, which it shared with PostgreSQL and the second writer.`,
  ]
  return parts.filter((part) => part !== undefined).join('\n\n')
}

export function inUseAims({ result }: Kept<'in-use'>): Aim[] {
  const aims: Aim[] = []
  const addShare = (what: string, rows: readonly InUseRow[]): void => {
    const shares = rows.map((row) => shareOf(row.rounds))
    const [lowest] = shares.sort((a, b) => a.median - b.median)
    if (lowest === undefined) return
    const found = inRange(lowest, 2)
    aims.push({ what, aim: '≥ 0.85', found, met: lowest.median >= 0.85 })
  }
  const plain = result.rows.filter(({ isShared, servers }) => servers === 1 && !isShared)
  const sizes = plain.map(({ sessions }) => sessions)
  const range = `${round(Math.min(...sizes))} to ${round(Math.max(...sizes))}`
  for (const [store, title] of STORES) {
    const rows = plain.filter((row) => row.store === store)
    addShare(`${range} active sessions, ${title}: lowest speed relative to Fastify alone`, rows)
  }
  addShare(
    'Two servers on one PostgreSQL: speed relative to two without a check',
    result.rows.filter(({ servers }) => servers > 1),
  )
  addShare(
    'A second process writes to the SQLite file: lowest speed relative to Fastify alone',
    result.rows.filter(({ isShared }) => isShared),
  )

  const [slowest] = result.rows
    .map((row) => ({ row, ratio: latencyRatio(row.rounds) }))
    .sort((a, b) => b.ratio.median - a.ratio.median)
  if (slowest !== undefined) {
    const { row, ratio } = slowest
    aims.push({
      what: 'Active sessions: highest p99, relative to Fastify alone',
      aim: '≤ 2',
      found: `${inRange(ratio, 1)}, ${titleOf(row)}`,
      met: ratio.median <= 2,
    })
  }

  const counts = plain
    .filter(({ store }) => store === 'postgres')
    .sort((a, b) => a.sessions - b.sessions)
    .map(({ rounds }) => statementsPerSecond(rounds)?.median ?? Number.NaN)
  const [fewest, most] = [counts[0], counts.at(-1)]
  if (fewest !== undefined && most !== undefined) {
    aims.push({
      what: `Queries per second with ${range} active sessions`,
      aim: `≤ ${MORE_STATEMENTS} more`,
      found: `${count(fewest)} to ${count(most)}`,
      met: most - fewest <= MORE_STATEMENTS,
    })
  }
  return aims
}

function beforeSentence(before: Before): string | undefined {
  if (before === undefined) return undefined
  return `The columns marked *before* show an earlier version, which read each session again every five seconds: commit \`${before.commit}\`, measured
with the same benchmark on ${before.date} on ${before.cpu.trim()} with ${before.cores} cores. ${before.how}
The two versions were measured in separate runs, so compare shares and query counts rather than absolute figures.`
}

function throughputTable({ rows }: InUseResult, before: Before): string {
  const head = ['share', 'share before', 'requests/s', 'before', 'queries/s', 'before']
  return markdownTable(
    ['active sessions', ...head, 'sweep s', 'before'],
    rows.map((row) => {
      const old = sameRow(row, before)
      return [
        titleOf(row),
        inRange(shareOf(row.rounds), 2),
        old ? inRange(shareOf(old.rounds), 2) : UNKNOWN,
        round(speedOf(row)),
        old ? round(speedOf(old)) : UNKNOWN,
        queries(row.rounds),
        old ? queries(old.rounds) : UNKNOWN,
        sweep(row),
        old ? sweep(old) : UNKNOWN,
      ]
    }),
  )
}

function costTable({ rows }: InUseResult, before: Before): string {
  const cpu = ['CPU µs', 'CPU µs before', 'CPU µs, no check']
  const latency = ['p50 ms', 'p99 ms', 'p99 ms before', 'p99 ms, no check']
  return markdownTable(
    ['active sessions', ...cpu, ...latency, 'p99, multiple of no check', 'before'],
    rows.map((row) => {
      const old = sameRow(row, before)
      return [
        titleOf(row),
        fixed(
          medianOf(row.rounds, ({ guarded }) => guarded.cpu),
          1,
        ),
        old
          ? fixed(
              medianOf(old.rounds, ({ guarded }) => guarded.cpu),
              1,
            )
          : UNKNOWN,
        fixed(
          medianOf(row.rounds, ({ bare }) => bare.cpu),
          1,
        ),
        fixed(
          medianOf(row.rounds, ({ guarded }) => guarded.p50),
          1,
        ),
        fixed(
          medianOf(row.rounds, ({ guarded }) => guarded.p99),
          1,
        ),
        old
          ? fixed(
              medianOf(old.rounds, ({ guarded }) => guarded.p99),
              1,
            )
          : UNKNOWN,
        fixed(
          medianOf(row.rounds, ({ bare }) => bare.p99),
          1,
        ),
        inRange(latencyRatio(row.rounds), 1),
        old ? inRange(latencyRatio(old.rounds), 1) : UNKNOWN,
      ]
    }),
  )
}

function coldStartPart({ coldStarts, connections }: InUseResult, before: Before): string {
  const rows = coldStarts.map((cold) => {
    const old = before?.result.coldStarts.find(
      ({ sessions, store }) => sessions === cold.sessions && store === cold.store,
    )
    return [
      `${storeTitle(cold.store)}, ${round(cold.sessions)}`,
      inRange(secondsOf(cold), 1),
      old ? inRange(secondsOf(old), 1) : UNKNOWN,
      fixed(
        medianOf(cold.rounds, ({ bare }) => cold.sessions / bare.requestsPerSecond),
        1,
      ),
      statementsOf(cold),
      old ? statementsOf(old) : UNKNOWN,
      fixed(
        medianOf(cold.rounds, ({ guarded }) => guarded.p99),
        1,
      ),
      old
        ? fixed(
            medianOf(old.rounds, ({ guarded }) => guarded.p99),
            1,
          )
        : UNKNOWN,
      fixed(
        medianOf(cold.rounds, ({ bare }) => bare.p99),
        1,
      ),
    ]
  })
  const head = [
    'cold start',
    's to serve all',
    'before',
    's, no check',
    'queries',
    'before',
    'p99 ms',
    'before',
    'p99 ms, no check',
  ]
  return `### Cold start

A server that has just started has not cached any sessions yet. Each session is used once, over ${connections} connections.

${markdownTable(head, rows)}`
}

function sharedFileSentence(rows: readonly InUseRow[]): string {
  const commits = rows.filter(({ isShared }) => isShared).map((row) => row.foreignCommits)
  if (commits.length === 0) return ''
  return `In the rows with a shared file, a second process commits to the SQLite file about ${count(spread(commits).median)} times
per second. It records uses of sessions, and stores and deletes sessions.`
}

function sameRow(row: InUseRow, before: Before): InUseRow | undefined {
  return before?.result.rows.find(
    ({ isShared, servers, sessions, store }) =>
      isShared === row.isShared &&
      servers === row.servers &&
      sessions === row.sessions &&
      store === row.store,
  )
}

function titleOf({ isShared, servers, sessions, store }: InUseRow): string {
  const several = servers > 1 ? `, ${servers} servers` : ''
  return `${storeTitle(store)}, ${round(sessions)}${several}${isShared ? ', shared file' : ''}`
}

function storeTitle(store: InUseRow['store']): string {
  return STORES.find(([kind]) => kind === store)?.[1] ?? store
}

function medianOf(rounds: readonly InUseRound[], value: (one: InUseRound) => number): number {
  return spread(rounds.map(value)).median
}

function speedOf({ rounds }: InUseRow): number {
  return medianOf(rounds, ({ guarded }) => guarded.requestsPerSecond)
}

function shareOf(rounds: readonly InUseRound[]): Spread {
  return spread(
    rounds.map(({ bare, guarded }) => guarded.requestsPerSecond / bare.requestsPerSecond),
  )
}

function latencyRatio(rounds: readonly InUseRound[]): Spread {
  return spread(rounds.map(({ bare, guarded }) => guarded.p99 / bare.p99))
}

function sweep(row: InUseRow): string {
  const seconds = (row.sessions * row.servers) / speedOf(row)
  if (seconds < 0.1) return '< 0.1'
  return seconds > LONGEST_SWEEP ? `**${fixed(seconds, 1)}**` : fixed(seconds, 1)
}

function secondsOf({ rounds, sessions }: ColdStart): Spread {
  return spread(rounds.map(({ guarded }) => sessions / guarded.requestsPerSecond))
}

function statementsPerSecond(rounds: readonly InUseRound[]): Spread | undefined {
  const counts = rounds.flatMap(({ statements }) => statements ?? [])
  if (counts.length === 0) return undefined
  return spread(counts.map(({ count, seconds }) => count / seconds))
}

function queries(rounds: readonly InUseRound[]): string {
  const perSecond = statementsPerSecond(rounds)
  return perSecond === undefined ? UNKNOWN : count(perSecond.median)
}

function statementsOf({ rounds }: ColdStart): string {
  const counts = rounds.flatMap(({ statements }) => statements ?? [])
  return counts.length === 0 ? UNKNOWN : round(spread(counts.map(({ count }) => count)).median)
}

/** Writes a small number with one decimal place, and a large one without. */
function count(value: number): string {
  return value < 10 ? fixed(value, 1) : round(value)
}
