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

// Renders what was measured as a page. Every figure of it comes from the results; of every measurement
// that was taken in rounds it shows the median, and how far the rounds were apart.

/** @param folder Where the results are. */
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

How fast and how small Latchkey is, beside what else one could take, side by side in one run.
Every figure is the median of several rounds, with the lowest and the highest in brackets. Compare
shares rather than absolute figures: those are of one machine, and another run of the same may differ by a tenth.`

const METHOD = `## How it is measured

\`\`\`sh
npx pnpm@12 bench                # everything; takes a while, and wants the machine for itself
npx pnpm@12 bench --only guard   # includes in-use; others: stored, revocation, sign-in, install, memory, signals, browser
npx pnpm@12 bench --quick        # everything once and shortly, to see that it works; keeps this page as it is
\`\`\`

- The server is a process of its own, pinned to one core. Everything else is on another: the load, the provider, PostgreSQL.
- Everybody is measured in every round, in another order each time; a share is of Fastify alone in the same round.
- Everybody has the same route, with the same answer and response schema, and no logger. Each is set up as its own
  documentation shows, and has to know the right person and to refuse a stranger before it is measured; every single answer is
  checked after that. Fastify alone is sent as long a cookie, and answers 1,000 people in turn.
- The load is a raw socket client with 64 kept connections, one request at a time on each, from 1,000 people in turn. A
  request has no headers but \`Host\` and its cookie or token, so that what is measured is the check and not the parser.
- CPU is all of the server process's, other threads included.
- What a browser loads is bundled by rolldown for production, all by the same settings, and compressed by gzip as Node does it unless
  told otherwise. Whatever else than React cannot be bundled ends the run, instead of being counted as nothing.
- The raw figures of every round are in [\`apps/bench/results\`](../apps/bench/results), the set-ups in
  [\`apps/bench/src/contenders\`](../apps/bench/src/contenders) and [\`apps/bench/src/pages\`](../apps/bench/src/pages).

What is not measured: TLS, a network between the machines, anything but SQLite and PostgreSQL, several processes behind a balancer
on many cores, and how long a browser takes over what it has loaded.`

/** A word of warning where Fastify alone, which takes all that it can get, did not get its core. */
function disturbance({ result }: Kept<'guard'>): string | undefined {
  const { median } = spread(result.rounds.map((one) => one.bare?.serverBusy ?? 0))
  if (median > 0.9) return undefined
  return `**The machine was busy with something else: Fastify alone got ${fixed(median * 100, 0)} % of its core. What follows holds less well than it
should, but for the CPU times.**`
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
  return `## A route for signed-in people

\`GET /me\`, asked by ${round(people)} signed-in people over ${connections} connections: requests per second as a share of the same
route without any check.

${bars(rows.map(({ title, share }) => ({ title, value: share.median, words: fixed(share.median, 2) })))}

${markdownTable(
  ['', 'share', 'requests/s', 'CPU µs', 'p99 ms', 'an ended session is refused'],
  table,
)}

Who only checks a signature or opens a sealed cookie cannot know that a session was ended. The cookie cache of Better Auth
and the tokens of Clerk were given an hour, since the load does not take new ones; in life a browser gets one every five
minutes, or every minute, which is not counted here. Clerk is given its key, so that it asks no network.
@fastify/session keeps sessions in one process's memory, which its documentation does not advise for production.
The load needed at most ${fixed(busiest * 100, 0)} % of its core.`
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
        ['missedAndNoted', 'read, and its use noted'],
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
  return `## Many sessions

The same route and ${round(inUse)} people, out of ever more who are signed in. The share is of the fewest.

${markdownTable(['', 'share', 'requests/s', 'CPU µs'], rows)}

A session that the server does not have in memory, after a restart or since nobody has asked for it lately, is read from the
store; if it was not used for a minute, that it is used again is written. Each request here is for another session, out of
${round(most)}.

${markdownTable(['', 'requests/s', 'CPU µs', 'p50 ms'], misses)}`
}

function revocationPart({ result }: Kept<'revocation'>): string {
  const { latencies, letThrough, maximum, nodes, rate, revocations } = result
  const at = (share: number): string => fixed(percentile(latencies, share), 1)
  return `## Ending a session on ${nodes} nodes

${nodes} processes on one PostgreSQL, all of them on one core, answering ${round(rate)} requests/s of the ${round(maximum)} that they can. ${round(revocations)}
sessions were ended, one after the other on each node in turn. From the moment that a node had acknowledged it until each of
the others was heard to refuse the session, the asking included:

${markdownTable(['p50', 'p99', 'longest'], [[`${at(0.5)} ms`, `${at(0.99)} ms`, `${at(1)} ms`]])}

The node that was told refused at once, each time; the others let ${round(letThrough)} requests of these sessions through altogether.`
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
  return `## Signing in

From the click to the session: the start route, the provider's redirect, and the callback, which redeems the code and reads
the person and their e-mail addresses from the provider. ${browsers} browsers at once, 1,000 people who have been here before, and one local
provider for all, which takes no time to speak of.

${bars(rows.map(({ title, speed }) => ({ title, value: speed.median, words: `${round(speed.median)}/s` })))}

${markdownTable(
  ['', 'sign-ins/s', 'share of by hand', 'CPU µs', 'p99 ms', 'what is kept'],
  rows.map(({ title, keeps, own, share, speed }) => [
    title,
    inRange(speed, 0),
    fixed(share.median, 2),
    round(spread(own.map((one) => one.cpu)).median),
    fixed(spread(own.map((one) => one.p99)).median, 0),
    keeps,
  ]),
)}

By hand is the least that works: state, PKCE, Node's HTTP client with kept connections, and a Map. Passport's strategy is as
its page shows it, which has neither state nor PKCE. Latchkey marks each flow as used, so that none is used twice, and writes the
rest in one transaction; it runs as in development, since production takes no provider on this machine. What is acknowledged
survives the end of the process, with SQLite perhaps not a loss of power, which costs a click. Better Auth opens SQLite as its
documentation does, with SQLite's own defaults, and every write waits for the disk; it keeps the provider's tokens too.`
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
  return `## Installing and starting

What \`npm install --omit=dev\` adds to Fastify's own, and how many milliseconds later a fresh process is ready, as the median of
${rounds.length} starts. The first line is Fastify itself.

${markdownTable(['', 'packages', 'MB', 'ms to `ready()`'], rows)}`
}

function memoryPart({ result }: Kept<'memory'>): string {
  const { bytes, sessions } = result
  return `## Memory

A session that the server has in memory takes ${inRange(spread(bytes), 0)} bytes of its heap: the difference that ${round(sessions)} of them made.`
}

function browserPart({ result }: Kept<'browser'>): string {
  const rows = Object.entries(result.sizes).map(([name, size]) => {
    const { title = name, brings = '' } = pages[name] ?? {}
    return { title, brings, value: total(size), words: `${kilobytes(total(size))} kB` }
  })
  rows.sort((a, b) => a.value - b.value)
  const everything = result.sizes['latchkey-everything']
  return `## In the browser

What a page grows by that shows the name of who is signed in, and else one button that starts a sign-in: minified and compressed,
with neither React nor React DOM. It is the same each time, and so it is measured once.

${bars(rows)}

${markdownTable(
  ['', 'kB', 'what it brings to be seen'],
  rows.map(({ title, brings, value }) => [title, kilobytes(value), brings]),
)}

Where it brings nothing to be seen, the page has a \`<button>\` of its own that calls the package. Only three bring styles: the UI of
SuperTokens and the form of Hanko in their scripts, and Latchkey's whole kit as the stylesheet that is published, which is ${kilobytes(everything?.styles ?? 0)} kB
of the whole. Hanko has no button for one provider, but a form with all the ways in that it knows.

They do not do the same. Latchkey, next-auth and Better Auth leave a sign-in to the server and its cookie; the others finish it, or
keep and renew what it gave, in the browser. \`supabase-js\` is a client for a database and for files too, all of which comes along.
And some load more, which is not counted: \`@clerk/react\` is there to load Clerk's script from Clerk's servers, without which it
draws nothing and knows nobody; Kinde and Auth0 have the pages on which people sign in on servers of their own.`
}

function machinePart(all: AllKept): string {
  const kept = Object.values(all).filter((one) => one !== undefined)
  const machines = new Set(kept.map(machineOf))
  const versions = Object.assign({}, ...kept.map((one) => one.versions)) as Record<string, string>
  return [
    '## Where',
    [...machines].map((machine) => `- ${machine}`).join('\n'),
    Object.entries(versions)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version]) => `${name} ${version}`)
      .join(' · '),
  ].join('\n\n')
}

function machineOf({ cores, cpu, date, node, pinned, quick }: Circumstances): string {
  const words = [date, cpu.trim(), `${cores} cores`, `Node ${node.slice(1)}`]
  if (!pinned) words.push('processes not pinned')
  if (quick) words.push('**a quick run, not meant for comparison**')
  return words.join(', ')
}
