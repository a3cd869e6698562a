import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { InUseResult, InUseRound, InUseRow, Setup } from './in-use.ts'
import type { Measured } from './measure.ts'
import { renderPage } from './page.ts'
import { circumstances, type KeptBefore, keep, type Results } from './results.ts'
import type { SignalsRound } from './signals.ts'

it('docs/benchmarks.md matches the results exactly', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/benchmarks.md'), 'utf8')
  expect(page).toBe(renderPage(join(import.meta.dirname, '../results')))
})

it('compares active sessions with the figures of an earlier version', () => {
  const now = inUse([
    row({ store: 'postgres', sessions: 100 }, [guarded(9_000, 2)]),
    row({ store: 'postgres', sessions: 40_000 }, [
      guarded(8_800, 3),
      guarded(9_000, 4),
      guarded(9_200, 5),
    ]),
  ])
  const before = inUse([row({ store: 'postgres', sessions: 40_000 }, [guarded(1_300, 2_078)])])
  const page = render(now, before)

  const [head, , ...rows] = tableAfter(page, '## Active sessions')
  expect(head?.slice(0, 3)).toEqual(['active sessions', 'share', 'share before'])
  expect(rows.map(([title, share, old]) => [title, share, old])).toEqual([
    ['PostgreSQL, 100', '0.90', '–'],
    ['PostgreSQL, 40,000', '0.90 (0.88–0.92)', '0.13'],
  ])
  expect(rows[1]?.slice(5, 7)).toEqual(['4.0', '2,078'])
  expect(page).toContain('commit `abcdef0`, measured')
})

it('marks a row in which it took longer than five seconds to use every session', () => {
  const slow = row({ store: 'postgres', sessions: 40_000 }, [guarded(4_000, 2_000)])
  const shared = row({ store: 'postgres', sessions: 10_000, servers: 2 }, [guarded(5_000, 2)])
  const [, , ...rows] = tableAfter(render(inUse([slow, shared])), '## Active sessions')
  expect(rows.map((cells) => cells[7])).toEqual(['**10.0**', '4.0'])
})

it('checks the targets against the slowest row, the highest p99, and the growth in queries', () => {
  const page = render(
    inUse([
      row({ store: 'sqlite', sessions: 100 }, [guarded(9_000, null)]),
      row({ store: 'sqlite', sessions: 40_000 }, [guarded(8_000, null)]),
      row({ store: 'sqlite', sessions: 10_000, isShared: true }, [guarded(9_500, null)]),
      row({ store: 'postgres', sessions: 100 }, [guarded(9_000, 2)]),
      row({ store: 'postgres', sessions: 40_000 }, [guarded(8_900, 700, 31)]),
      row({ store: 'postgres', sessions: 10_000, servers: 2 }, [guarded(8_600, 4)]),
    ]),
  )
  const [, , ...rows] = tableAfter(page, '## Targets')
  expect(rows.map(([, aim, found, met]) => [aim, found, met])).toEqual([
    ['≥ 0.85', '0.80', '**no**'],
    ['≥ 0.85', '0.89', 'yes'],
    ['≥ 0.85', '0.86', 'yes'],
    ['≥ 0.85', '0.95', 'yes'],
    ['≤ 2', '3.1, PostgreSQL, 40,000', '**no**'],
    ['≤ 5 more', '2.0 to 700', '**no**'],
  ])
})

it('shows how long a server that has just started takes to serve everyone once', () => {
  const cold = { store: 'postgres', sessions: 40_000, rounds: [guarded(8_000, 500)] } as const
  const old = { ...cold, rounds: [guarded(1_250, 40_000)] }
  const page = render(inUse([], [cold]), inUse([], [old]))
  const [, , row] = tableAfter(page, '### Cold start')
  expect(row?.slice(0, 6)).toEqual(['PostgreSQL, 40,000', '5.0', '32.0', '4.0', '500', '40,000'])
})

it('compares watched sockets with unwatched ones from the same round', () => {
  const rounds = [signalsRound(0), signalsRound(1_000), signalsRound(2_000)]
  const page = renderKept('signals', { sockets: 10_000, idleSeconds: 5, rounds })

  const [, , ...costs] = tableAfter(page, '## Open connections')
  expect(costs.map((cells) => cells.slice(1))).toEqual([
    ['7,000', '–', '300', '–', '0.01 %'],
    ['8,500', '1,500', '305', '5', '0.10 %'],
    ['9,600', '2,600', '312', '12', '0.11 %'],
  ])
  expect(page).toContain('with its listener takes 4.0 µs of CPU.')
})

it('shows how soon signals are aborted, and what revoking all sessions costs per session', () => {
  const rounds = [signalsRound(0)]
  const page = renderKept('signals', { sockets: 10_000, idleSeconds: 5, rounds })

  const [, , ...ends] = tableAfter(page, '### Closing connections')
  expect(ends.map((cells) => cells.slice(1))).toEqual([
    ['2.0', '3.0'],
    ['9.0', '12.0'],
    ['100', '400'],
  ])
  expect(page).toContain('takes 10.0 µs per session to fire every signal, and uses 9.0 µs of the')
  expect(page).toContain('has used 30 µs of CPU per session')
})

function render(result: InUseResult, before?: InUseResult): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const where = circumstances({ quick: false, pinned: true })
  keep(folder, 'in-use', { ...where, result })
  if (before !== undefined) {
    const kept: KeptBefore<'in-use'> = { ...where, commit: 'abcdef0', how: '', result: before }
    keep(folder, 'in-use-before', kept)
  }
  return renderPage(folder)
}

function renderKept<Name extends keyof Results>(name: Name, result: Results[Name]): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  keep(folder, name, { ...circumstances({ quick: false, pinned: true }), result })
  return renderPage(folder)
}

/** @param heap How many bytes per socket to add on all three servers. */
function signalsRound(heap: number): SignalsRound {
  return {
    servers: {
      kept: { heap: heap + 6_000, opening: 300, idle: 0.0001 },
      closed: { heap: heap + 7_500, opening: 305, idle: 0.001 },
      signal: { heap: heap + 8_600, opening: 312, idle: 0.0011 },
    },
    creation: 4,
    bans: [
      { fired: 1, closed: 2 },
      { fired: 9, closed: 12 },
      { fired: 2, closed: 3 },
    ],
    everything: {
      sessions: 10_000,
      fired: 100,
      closed: 400,
      cpu: { fired: 90_000, closed: 300_000 },
    },
  }
}

function inUse(rows: readonly InUseRow[], coldStarts: InUseResult['coldStarts'] = []): InUseResult {
  return { connections: 64, seconds: { guarded: 6, bare: 2 }, rows, coldStarts }
}

function row(
  setup: Pick<Setup, 'store' | 'sessions'> & Partial<Setup>,
  rounds: readonly InUseRound[],
): InUseRow {
  const foreignCommits = setup.isShared === true ? 20 : 0
  return { servers: 1, isShared: false, foreignCommits, ...setup, rounds }
}

/** Returns a round whose bare server serves 10,000 requests per second with a p99 of 10 ms. */
function guarded(requestsPerSecond: number, statements: number | null, p99 = 15): InUseRound {
  const shared = { cpu: 80, p50: 5, serverBusy: 1, loadBusy: 0.5 }
  const bare: Measured = { ...shared, requestsPerSecond: 10_000, p99: 10 }
  return {
    bare,
    guarded: { ...shared, requestsPerSecond, p99 },
    statements: statements === null ? null : { count: statements, seconds: 1 },
  }
}

/** Returns the cells of the first table below a heading. */
function tableAfter(page: string, heading: string): string[][] {
  const lines = page.slice(page.indexOf(`${heading}\n`)).split('\n')
  const from = lines.findIndex((line) => line.startsWith('|'))
  const to = lines.findIndex((line, index) => index > from && !line.startsWith('|'))
  return lines
    .slice(from, to)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))
}
