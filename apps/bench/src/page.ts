import { withContents } from '../../../docs/contents.ts'
import { aimsPart } from './aims.ts'
import { pages, total } from './browser-size.ts'
import { contenders, signInContenders } from './contenders.ts'
import {
  bars,
  fixed,
  inRange,
  kilobytes,
  markdownTable,
  megabytes,
  round,
  STORES,
} from './format.ts'
import { inUsePart } from './in-use-page.ts'
import { installed } from './install.ts'
import { type Measured, perSecond } from './measure.ts'
import { type AllKept, type Circumstances, type Kept, read, readBefore } from './results.ts'
import { signalsPart } from './signals-page.ts'
import { percentile, spread } from './statistics.ts'

// Renders the results as a page. All figures come from the results. If a measurement has several rounds, the page
// shows its median and its range.

/**
 * Returns the text of `docs/benchmarks.md`.
 * @param folder The folder that contains the results.
 */
export function renderPage(folder: string): string {
  const all: AllKept = {
    guard: read(folder, 'guard'),
    'in-use': read(folder, 'in-use'),
    stored: read(folder, 'stored'),
    revocation: read(folder, 'revocation'),
    'sign-in': read(folder, 'sign-in'),
    install: read(folder, 'install'),
    memory: read(folder, 'memory'),
    signals: read(folder, 'signals'),
    browser: read(folder, 'browser'),
  }
  const parts = [
    INTRODUCTION,
    all.guard && disturbance(all.guard),
    aimsPart(all),
    all.guard && guardPart(all.guard),
    all['in-use'] && inUsePart(all['in-use'], readBefore(folder, 'in-use')),
    all.stored && storedPart(all.stored),
    all.revocation && revocationPart(all.revocation),
    all['sign-in'] && signInPart(all['sign-in']),
    all.install && installPart(all.install),
    all.memory && memoryPart(all.memory),
    all.signals && signalsPart(all.signals),
    all.browser && browserPart(all.browser),
    METHOD,
    machinePart(all),
  ]
  return withContents(`${parts.filter((part) => part !== undefined).join('\n\n')}\n`)
}

const INTRODUCTION = `# Benchmarks

This page compares the speed and size of Latchkey with those of similar libraries, measured in the same run. Each figure is the median
of several rounds. The lowest and the highest round are in parentheses. Absolute figures depend on the machine, so compare the shares
instead. Even on the same machine, a second run can differ by 10 %.`

const METHOD = `## Run the benchmarks

\`\`\`sh
npx pnpm@12 bench                # all benchmarks; takes a while, and needs an otherwise idle machine
npx pnpm@12 bench --only guard   # also runs the \`in-use\` benchmark. Other names: stored, revocation, sign-in, install, memory, signals, browser
npx pnpm@12 bench --quick        # a short run to check that everything works; does not change this page
\`\`\`

The raw figures of every round are in [\`apps/bench/results\`](../apps/bench/results). The setups are in
[\`apps/bench/src/contenders\`](../apps/bench/src/contenders) and [\`apps/bench/src/pages\`](../apps/bench/src/pages).

## Method

- **Cores.** The server is a separate process, pinned to one core. The load generator, the provider and PostgreSQL run on another core.
- **Rounds.** Every round measures every library, in a different order each time. A share is a library's speed divided by the speed of
  Fastify alone in the same round.
- **Setup.** Every library is set up as its own documentation shows, without a logger. All have the same route, response and response
  schema. Before the measurement, each library must recognize the right user and reject a request without a session. From then on,
  every response is checked. Fastify alone receives a cookie of the same length, and returns each of 1,000 users in turn.
- **Load.** A raw socket client keeps 64 connections open, and sends one request at a time on each. The requests cycle through 1,000
  users. They contain only a \`Host\` header and a cookie or token, so the result measures the session check rather than the parsing of
  headers.
- **CPU.** The CPU time covers the whole server process, including its other threads.
- **Browser.** All pages are bundled for production by rolldown, with the same settings. They are compressed by Node's gzip, with its
  default settings. Only React is left out. The run fails if anything else cannot be bundled.

The benchmarks do not measure TLS, a network between machines, or databases other than SQLite and PostgreSQL. They also do not
measure several processes behind a load balancer on many cores, or how long a browser takes to run the scripts.`

/** Returns a warning if Fastify alone, which uses all the CPU time that it can get, did not get a whole core. */
function disturbance({ result }: Kept<'guard'>): string | undefined {
  const { median } = spread(result.rounds.map((one) => one.bare?.serverBusy ?? 0))
  if (median > 0.9) return undefined
  return `**The machine was busy during the run. Fastify alone got only ${fixed(median * 100, 0)} % of its core. Except for the CPU times, the
results are less reliable than they should be.**`
}

function guardPart({ result }: Kept<'guard'>): string {
  const { connections, people, rounds } = result
  const rows = Object.entries(contenders).map(([name, { title, revocation }]) => {
    const own = rounds.map((round) => round[name] as Measured)
    const shares = rounds.map((round) => perSecond(round, name) / perSecond(round, 'bare'))
    return { title, revocation, own, share: spread(shares) }
  })
  rows.sort((a, b) => b.share.median - a.share.median)
  const busiest = Math.max(...rows.flatMap(({ own }) => own.map((one) => one.loadBusy)))
  const table = rows.map(({ title, revocation, own, share }) => [
    title,
    inRange(share, 2),
    round(spread(own.map((one) => one.requestsPerSecond)).median),
    fixed(spread(own.map((one) => one.cpu)).median, 1),
    fixed(spread(own.map((one) => one.p99)).median, 1),
    revocation,
  ])
  return `## Guarded route

The load generator requests \`GET /me\` as ${round(people)} signed-in users over ${connections} connections. The share is the number of
requests per second, divided by that of the same route without a check.

${bars(rows.map(({ title, share }) => ({ title, value: share.median, words: fixed(share.median, 2) })))}

${markdownTable(
  ['', 'share', 'requests/s', 'CPU µs', 'p99 ms', 'a revoked session is rejected'],
  table,
)}

A server that only checks a signature or opens a sealed cookie cannot detect a revocation. In this benchmark, Better Auth's cookie
cache and Clerk's tokens are valid for one hour, because the load generator does not accept new ones. In production, Better Auth renews
its cookie every five minutes, and Clerk its token every minute. The benchmark does not count this cost. Clerk is configured with its
public key, so it does not send any requests to Clerk's servers. The package @fastify/session stores sessions in the memory of one
process. Its documentation does not recommend this for production.
The load generator used at most ${fixed(busiest * 100, 0)} % of its core.`
}

function storedPart({ result }: Kept<'stored'>): string {
  const { inUse, rounds, sizes } = result
  const most = Math.max(...sizes)
  const least = Math.min(...sizes)
  const rows = STORES.flatMap(([kind, title]) =>
    sizes.map((size) => {
      const own = rounds.map((one) => one.inUse[`${kind} ${size}`] as Measured)
      const ratios = rounds.map(
        (one) => perSecond(one.inUse, `${kind} ${size}`) / perSecond(one.inUse, `${kind} ${least}`),
      )
      return [
        `${title}, ${round(size)} stored`,
        size === least ? '1' : inRange(spread(ratios), 2),
        round(spread(own.map((one) => one.requestsPerSecond)).median),
        fixed(spread(own.map((one) => one.cpu)).median, 1),
      ]
    }),
  )
  const misses = STORES.flatMap(([kind, title]) =>
    (
      [
        ['missed', 'read'],
        ['missedAndNoted', 'read, and its use recorded'],
      ] as const
    ).map(([what, words]) => {
      const own = rounds.map((one) => one[what][kind] as Measured)
      return [
        `${title}: ${words}`,
        round(spread(own.map((one) => one.requestsPerSecond)).median),
        fixed(spread(own.map((one) => one.cpu)).median, 0),
        fixed(spread(own.map((one) => one.p50)).median, 1),
      ]
    }),
  )
  return `## Many stored sessions

The same route always serves ${round(inUse)} active users, while the number of stored sessions grows. The share compares each row with the
first row for the same database.

${markdownTable(['', 'share', 'requests/s', 'CPU µs'], rows)}

If a session is not in the server's memory, the server reads it from the store. This happens after a restart, or when the session has
not been used recently. If the session has not been used for a minute, the server also records its use. In the next table, each request
uses a different session, out of ${round(most)}.

${markdownTable(['', 'requests/s', 'CPU µs', 'p50 ms'], misses)}`
}

function revocationPart({ result }: Kept<'revocation'>): string {
  const { latencies, letThrough, maximum, nodes, rate, revocations } = result
  const at = (share: number): string => fixed(percentile(latencies, share), 1)
  return `## Revocation on ${nodes} servers

In this benchmark, ${nodes} servers share one PostgreSQL server and one core. They serve ${round(rate)} requests/s, out of a maximum of
${round(maximum)}. ${round(revocations)} sessions are revoked one after the other, on each server in turn. The clock starts when one server
has acknowledged a revocation, and stops when another server has rejected the session. The times include the requests that check for the
rejection:

${markdownTable(['p50', 'p99', 'longest'], [[`${at(0.5)} ms`, `${at(0.99)} ms`, `${at(1)} ms`]])}

The server that revoked a session always rejected it immediately. Before the other servers rejected the sessions, they admitted
${round(letThrough)} requests in total.`
}

function signInPart({ result }: Kept<'sign-in'>): string {
  const { browsers, rounds } = result
  const rows = Object.entries(signInContenders).map(([name, { title, keeps }]) => {
    const own = rounds.flatMap((one) => one[name] ?? [])
    const shares = rounds.map(
      (one) => (one[name]?.signInsPerSecond ?? 0) / (one['by-hand']?.signInsPerSecond ?? 0),
    )
    const speed = spread(own.map((one) => one.signInsPerSecond))
    return { title, keeps, own, share: spread(shares), speed }
  })
  rows.sort((a, b) => b.speed.median - a.speed.median)
  return `## Sign-in

The figures are for complete sign-ins, from the click to the session. A sign-in consists of the start route, the provider's redirect and
the callback. The callback redeems the code, then requests the user's profile and e-mail addresses from the provider. At any given moment,
${browsers} browsers are signing in, as 1,000 users who have signed in before. The provider runs locally, and its response time is
negligible.

${bars(rows.map(({ title, speed }) => ({ title, value: speed.median, words: `${round(speed.median)}/s` })))}

${markdownTable(
  ['', 'sign-ins/s', 'relative to *by hand*', 'CPU µs', 'p99 ms', 'what is stored'],
  rows.map(({ title, keeps, own, share, speed }) => [
    title,
    inRange(speed, 0),
    fixed(share.median, 2),
    round(spread(own.map((one) => one.cpu)).median),
    fixed(spread(own.map((one) => one.p99)).median, 0),
    keeps,
  ]),
)}

*By hand* is the minimum setup that works: state, PKCE, Node's HTTP client with keep-alive connections, and a Map. Passport's
strategy is set up as its documentation shows, without state and PKCE. Latchkey marks each flow as used, so that it cannot be used
twice, and writes everything else in one transaction. It runs in development mode, because production mode does not allow a
provider on the same machine.

An acknowledged sign-in survives a crash of the process. With SQLite, Latchkey can lose it in a power failure, and the user then has to
sign in again. Better Auth opens SQLite with SQLite's defaults, as its documentation shows, so every write waits for the disk. It also
stores the provider's tokens.`
}

function installPart({ result }: Kept<'install'>): string {
  const { installs, rounds } = result
  const alone = installs.fastify ?? { packages: 0, bytes: 0 }
  const rows = Object.entries(installs).map(([name, { bytes, packages }]) => {
    const times = rounds.map((one) => (one[name] ?? 0) - (one.fastify ?? 0))
    const title = installed[name]?.title ?? name
    if (name === 'fastify') {
      const own = spread(rounds.map((one) => one.fastify ?? 0))
      return [title, String(packages), megabytes(bytes), inRange(own, 0)]
    }
    return [
      `+ ${title}`,
      String(packages - alone.packages),
      megabytes(bytes - alone.bytes),
      inRange(spread(times), 0),
    ]
  })
  return `## Install size and startup

The table shows how much each library adds to an installation of Fastify (with \`npm install --omit=dev\`), and how many milliseconds it
adds to the startup of a new process. Each time is the median of ${rounds.length} starts. The first row is Fastify itself.

${markdownTable(['', 'packages', 'MB', 'ms to `ready()`'], rows)}`
}

function memoryPart({ result }: Kept<'memory'>): string {
  const { bytes, sessions } = result
  return `## Memory

A cached session uses ${inRange(spread(bytes), 0)} bytes of the server's heap. The benchmark measures how much the heap grows
when ${round(sessions)} sessions are cached.`
}

function browserPart({ result }: Kept<'browser'>): string {
  const rows = Object.entries(result.sizes).map(([name, size]) => {
    const { title = name, brings = '' } = pages[name] ?? {}
    return { title, brings, value: total(size), words: `${kilobytes(total(size))} kB` }
  })
  rows.sort((a, b) => a.value - b.value)
  const everything = result.sizes['latchkey-everything']
  return `## Browser bundle size

The test page shows the signed-in user's name, or a button that starts a sign-in. The table shows how much each library adds to this
page, minified and compressed, without React and React DOM. The size is the same in every run, so it is measured only once.

${bars(rows)}

${markdownTable(
  ['', 'kB', 'visible components'],
  rows.map(({ title, brings, value }) => [title, kilobytes(value), brings]),
)}

If a library has no visible components, the page has its own \`<button>\` that calls the library. Only three rows include styles:
SuperTokens's UI and Hanko's form have them in their scripts, and Latchkey's whole kit includes the published stylesheet. The stylesheet
accounts for ${kilobytes(everything?.styles ?? 0)} kB. Hanko has no button for a single provider, only a form with all sign-in methods.

The libraries do different things:

- Latchkey, next-auth and Better Auth leave the sign-in to the server and its cookie. The other libraries complete the sign-in in
  the browser, or store and refresh tokens there.
- \`supabase-js\` also contains a client for databases and file storage.
- Some libraries load more code at run time, which is not counted. \`@clerk/react\` loads Clerk's script from Clerk's servers, and shows nothing
  without it. Kinde's and Auth0's sign-in pages are on their own servers.`
}

function machinePart(all: AllKept): string {
  const kept = Object.values(all).filter((one) => one !== undefined)
  const machines = new Set(kept.map(machineOf))
  const versions = Object.assign({}, ...kept.map((one) => one.versions)) as Record<string, string>
  return [
    '## Machine and versions',
    [...machines].map((machine) => `- ${machine}`).join('\n'),
    Object.entries(versions)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version]) => `${name} ${version}`)
      .join(' · '),
  ].join('\n\n')
}

function machineOf({ cores, cpu, date, node, pinned, quick }: Circumstances): string {
  const facts = [date, cpu.trim(), `${cores} cores`, `Node ${node.slice(1)}`]
  if (!pinned) facts.push('processes not pinned')
  if (quick) facts.push('**a quick run, not suitable for comparison**')
  return facts.join(', ')
}
