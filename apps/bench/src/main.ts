import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { measureBrowser } from './browser-size.ts'
import { type Databases, startPostgres } from './database.ts'
import { measureGuard } from './guard.ts'
import { measureInUse } from './in-use.ts'
import { measureInstall } from './install.ts'
import { measureMemory } from './memory.ts'
import { renderPage } from './page.ts'
import { pinProcesses } from './processes.ts'
import { circumstances, keep, type Results } from './results.ts'
import { measureRevocation } from './revocation.ts'
import type { Run } from './run.ts'
import { measureSignIns } from './sign-in.ts'
import { measureSignals } from './signals.ts'
import { measureStored } from './stored.ts'

const measurements: { [Name in keyof Results]: (run: Run) => Promise<Results[Name]> } = {
  guard: measureGuard,
  'in-use': measureInUse,
  stored: measureStored,
  revocation: measureRevocation,
  'sign-in': measureSignIns,
  install: measureInstall,
  memory: measureMemory,
  signals: measureSignals,
  browser: measureBrowser,
}

try {
  await bench()
} catch (error) {
  console.error(`\n  The run failed. ${error instanceof Error ? error.message : error}\n`)
  // This also ends the child processes.
  process.exit(1)
}

async function bench(): Promise<void> {
  const { quick, names } = readArguments()
  const root = join(import.meta.dirname, '../../..')
  const published = join(root, 'apps/bench/results')
  const results = quick ? join(published, 'quick') : published
  const page = quick ? join(results, 'benchmarks.md') : join(root, 'docs/benchmarks.md')

  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

  let databases: Promise<Databases> | undefined
  const emptyDatabase = async (): Promise<string> => {
    databases ??= startPostgres()
    return (await databases).create()
  }
  const pinned = pinProcesses()
  const started = Date.now()
  for (const name of names) {
    const say = (text: string): void => {
      const seconds = Math.round((Date.now() - started) / 1000)
      console.log(`${String(seconds).padStart(5)} s  ${name}: ${text}`)
    }
    const run = { quick, folder, say, emptyDatabase }
    const result = await measurements[name](run)
    keep(results, name, { ...circumstances({ quick, pinned }), result })
  }
  await (await databases)?.close()

  mkdirSync(results, { recursive: true })
  writeFileSync(page, renderPage(results))
  console.log(
    `\n  ${relative(process.cwd(), results)} contains the figures. The page is ${relative(process.cwd(), page)}.\n`,
  )
}

function readArguments(): { quick: boolean; names: (keyof Results)[] } {
  const known = Object.keys(measurements) as (keyof Results)[]
  try {
    const { quick, only } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    }).values
    // `in-use` measures the guard too, but has its own name and file.
    const wanted = only.includes('guard') ? [...only, 'in-use'] : only
    const names = known.filter((name) => wanted.length === 0 || wanted.includes(name))
    if (only.every((name) => known.some((other) => other === name))) return { quick, names }
  } catch {
    // The error below covers unknown options too.
  }
  throw new Error(`Unknown option. Use --quick, or --only with one of ${known.join(', ')}.`)
}
