import { total } from './browser-size.ts'
import { signInContenders } from './contenders.ts'
import { fixed, inRange, kilobytes, markdownTable, megabytes, round, STORES } from './format.ts'
import { type Aim, inUseAims } from './in-use-page.ts'
import { perSecond } from './measure.ts'
import type { AllKept, Kept } from './results.ts'
import { percentile, spread } from './statistics.ts'

/** Renders the table of targets, which shows whether each one was met. */
export function aimsPart(all: AllKept): string {
  const aims = [
    all.guard && guardAims(all.guard),
    all['in-use'] && inUseAims(all['in-use']),
    all.stored && storedAims(all.stored),
    all.revocation && revocationAims(all.revocation),
    all['sign-in'] && signInAims(all['sign-in']),
    all.install && installAims(all.install),
    all.browser && browserAims(all.browser),
  ].flatMap((some) => some ?? [])
  const rows = aims.map(({ what, aim, found, met }) => [what, aim, found, met ? 'yes' : '**no**'])
  return `## Targets\n\n${markdownTable(['', 'target', 'measured', 'met'], rows)}`
}

function guardAims({ result: { rounds } }: Kept<'guard'>): Aim[] {
  return STORES.map(([kind, title]) => {
    const share = spread(
      rounds.map((one) => perSecond(one, `latchkey-${kind}`) / perSecond(one, 'bare')),
    )
    return {
      what: `Guarded route, ${title}: speed relative to Fastify alone`,
      aim: '≥ 0.90',
      found: inRange(share, 2),
      met: share.median >= 0.9,
    }
  })
}

function storedAims({ result: { rounds, sizes } }: Kept<'stored'>): Aim[] {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  return STORES.map(([kind, title]) => {
    const ratio = spread(
      rounds.map(
        ({ inUse }) => perSecond(inUse, `${kind} ${most}`) / perSecond(inUse, `${kind} ${least}`),
      ),
    )
    return {
      what: `${round(most)} stored sessions, ${title}: speed relative to ${round(least)}`,
      aim: '≥ 0.95',
      found: inRange(ratio, 2),
      met: ratio.median >= 0.95,
    }
  })
}

function revocationAims({ result: { latencies } }: Kept<'revocation'>): Aim[] {
  const p99 = percentile(latencies, 0.99)
  const what = 'Time until other servers reject a revoked session, p99'
  return [{ what, aim: '≤ 100 ms', found: `${fixed(p99, 1)} ms`, met: p99 <= 100 }]
}

function signInAims({ result: { rounds } }: Kept<'sign-in'>): Aim[] {
  const speedOf = (name: string): number =>
    spread(rounds.map((one) => one[name]?.signInsPerSecond ?? 0)).median
  const best = Math.max(...peersIn(signInContenders).map(speedOf))
  const own = speedOf('latchkey-sqlite')
  return [
    {
      what: 'Complete sign-ins, SQLite file',
      aim: `more than any other library (${round(best)}/s)`,
      found: `${round(own)}/s`,
      met: own > best,
    },
  ]
}

function installAims({ result: { installs, rounds } }: Kept<'install'>): Aim[] {
  const [alone, own] = [installs.fastify, installs['latchkey-sqlite']]
  if (!alone || !own) return []
  const packages = own.packages - alone.packages
  const bytes = own.bytes - alone.bytes
  const ms = spread(rounds.map((one) => (one['latchkey-sqlite'] ?? 0) - (one.fastify ?? 0)))
  return [
    {
      what: 'Install size, in addition to Fastify',
      aim: '≤ 30 packages',
      found: String(packages),
      met: packages <= 30,
    },
    { what: '', aim: '≤ 8 MB', found: `${megabytes(bytes)} MB`, met: bytes <= 8e6 },
    {
      what: 'Startup time, in addition to Fastify',
      aim: '≤ 120 ms',
      found: `${inRange(ms, 0)} ms`,
      met: ms.median <= 120,
    },
  ]
}

function browserAims({ result: { sizes } }: Kept<'browser'>): Aim[] {
  const sizeOf = (name: string): number => total(sizes[name])
  const least = Math.min(...peersIn(sizes).map(sizeOf))
  const own = sizeOf('latchkey')
  const button = sizeOf('latchkey-button')
  const everything = sizeOf('latchkey-everything')
  return [
    {
      what: 'Browser bundle with a button and a name',
      aim: `less than any other library (${kilobytes(least)} kB)`,
      found: `${kilobytes(own)} kB`,
      met: own < least,
    },
    {
      what: 'Browser bundle with only the button',
      aim: '≤ 2 kB',
      found: `${kilobytes(button)} kB`,
      met: button <= 2_000,
    },
    {
      what: 'Browser bundle of the whole kit, with styles',
      aim: '≤ 14.5 kB',
      found: `${kilobytes(everything)} kB`,
      met: everything <= 14_500,
    },
  ]
}

/** Returns the names of all other libraries that were measured. */
function peersIn(measured: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(measured).filter((name) => !/latchkey|by-hand/.test(name))
}
