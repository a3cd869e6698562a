import { inRange, markdownTable, round } from './format.ts'
import type { Kept } from './results.ts'
import type { Ending, SignalsRound, SocketCost } from './signals.ts'
import type { SocketMode } from './socket-server.ts'
import { percentile, type Spread, spread } from './statistics.ts'

// Renders the section about open connections whose sessions are watched.

const TITLES: Readonly<Record<SocketMode, string>> = {
  kept: 'not watched (`keepUpgradedConnectionsAfterSessionEnds`)',
  closed: 'closed by the guard, the default',
  signal: 'closed by the guard, and `request.auth.signal` with one listener',
}
const NONE = '–'

export function signalsPart({ result }: Kept<'signals'>): string {
  const { idleSeconds, rounds, sockets } = result
  const creation = spread(rounds.map((one) => one.creation))
  return `## Open connections

In this benchmark, a server with an SQLite file has ${round(sockets)} WebSockets open through @fastify/websocket, each with its own user
and session. No data is sent after the handshake. Each of ${rounds.length} rounds measures three servers. *More* is the difference from the
first server in the same round. *Idle* is the share of its core that a server used during ${idleSeconds} s without requests. A server that
watches sessions checks the file for changes every 100 ms, and looks for expired sessions once a second.

${costTable(rounds)}

*CPU µs* is the CPU time per socket that the server used while the client opened all sockets. *More* is therefore a small difference
between two large figures. To measure the signals more directly, the benchmark also creates one for every open socket in a single loop. It
does so on the server whose guard closes the sockets. There, one signal with its listener takes ${inRange(creation, 1)} µs of CPU.

### Closing connections

${endingPart(rounds)}`
}

function costTable(rounds: readonly SignalsRound[]): string {
  const rows = Object.entries(TITLES).map(([name, title]) => {
    const mode = name as SocketMode
    const median = (key: keyof SocketCost): string =>
      round(spread(rounds.map(({ servers }) => servers[mode][key])).median)
    const more = (key: keyof SocketCost): string => {
      if (mode === 'kept') return NONE
      return inRange(spread(rounds.map(({ servers }) => servers[mode][key] - servers.kept[key])), 0)
    }
    const idle = spread(rounds.map(({ servers }) => servers[mode].idle * 100))
    const costs = [median('heap'), more('heap'), median('opening'), more('opening')]
    return [title, ...costs, `${inRange(idle, 2)} %`]
  })
  return markdownTable(['per socket', 'heap bytes', 'more', 'CPU µs', 'more', 'idle'], rows)
}

function endingPart(rounds: readonly SignalsRound[]): string {
  const bans = rounds.flatMap((one) => one.bans)
  const { sessions } = rounds[0]?.everything ?? { sessions: Number.NaN }
  const everything = rounds.map((one) => one.everything)
  const each = (of: (ending: SignalsRound['everything']) => number): Spread =>
    spread(everything.map((ending) => of(ending) / ending.sessions))
  const firing = each(({ fired }) => fired * 1000)
  const firingCpu = each(({ cpu }) => cpu.fired)
  const closingCpu = each(({ cpu }) => cpu.closed)
  const rows = [
    ['one `users.ban`, median', ...times(bans, (values) => percentile(values, 0.5))],
    ['one `users.ban`, p99', ...times(bans, (values) => percentile(values, 0.99))],
    [
      `\`sessions.revokeEverything\`, ${round(sessions)} sessions`,
      inRange(spread(everything.map(({ fired }) => fired)), 0),
      inRange(spread(everything.map(({ closed }) => closed)), 0),
    ],
  ]
  return `In each round, ${round((rounds[0]?.bans ?? []).length)} users are banned one after the other while at least ${round(sessions)} other sessions are watched. Then one
call revokes all other sessions. Both times are measured from the call. The first ends when the last signal has fired, and the second when the
client detects that the last socket is closed. The client is a separate process. Both times include the transaction, which is on disk
before any signal fires.

${markdownTable(['', 'signals aborted, ms', 'sockets closed, ms'], rows)}

\`revokeEverything\` takes ${inRange(firing, 1)} µs per session to fire every signal, and uses ${inRange(firingCpu, 1)} µs of the
server's CPU time for it. By the time every socket is closed, the server has used ${inRange(closingCpu, 0)} µs of CPU per session. The
servers in this benchmark have no logger. With a logger, a server also logs a line for each session that ends.`
}

function times(
  endings: readonly Ending[],
  summarize: (values: readonly number[]) => number,
): string[] {
  const values = [endings.map(({ fired }) => fired), endings.map(({ closed }) => closed)]
  return values.map((list) => summarize(list).toFixed(1))
}
