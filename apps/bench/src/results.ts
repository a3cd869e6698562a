import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { BrowserResult } from './browser-size.ts'
import type { GuardResult } from './guard.ts'
import type { InUseResult } from './in-use.ts'
import type { InstallResult } from './install.ts'
import type { MemoryResult } from './memory.ts'
import type { RevocationResult } from './revocation.ts'
import type { SignInsResult } from './sign-in.ts'
import type { SignalsResult } from './signals.ts'
import type { StoredResult } from './stored.ts'
import { allVersions } from './versions.ts'

/** The result of each measurement, keyed by its name on the command line. */
export interface Results {
  readonly guard: GuardResult
  readonly 'in-use': InUseResult
  readonly stored: StoredResult
  readonly revocation: RevocationResult
  readonly 'sign-in': SignInsResult
  readonly install: InstallResult
  readonly memory: MemoryResult
  readonly signals: SignalsResult
  readonly browser: BrowserResult
}

/** The machine and the versions of a run. */
export interface Circumstances {
  /** The date of the run, such as `2026-11-21`. */
  readonly date: string
  /** Whether the run was too short for reliable figures. */
  readonly quick: boolean
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Whether the measured process had its own core. */
  readonly pinned: boolean
  readonly versions: Readonly<Record<string, string>>
}

export type Kept<Name extends keyof Results> = Circumstances & { readonly result: Results[Name] }

/** The stored results of every measurement, or `undefined` for one that has not run. */
export type AllKept = { readonly [Name in keyof Results]: Kept<Name> | undefined }

export function circumstances(given: Pick<Circumstances, 'pinned' | 'quick'>): Circumstances {
  return {
    ...given,
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    versions: allVersions(),
  }
}

export function keep<Name extends keyof Results>(
  folder: string,
  name: Name | `${Name}-before`,
  kept: Kept<Name>,
): void {
  mkdirSync(folder, { recursive: true })
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(kept, rounded, 1)}\n`)
}

/** Results of an earlier version, measured by the same benchmark for comparison. */
export type KeptBefore<Name extends keyof Results> = Kept<Name> & {
  /** The commit that was measured. */
  readonly commit: string
  /** How the run differed from a regular one. */
  readonly how: string
}

/** Returns the stored results, or `undefined` if this has not been measured yet. */
export function read<Name extends keyof Results>(
  folder: string,
  name: Name,
): Kept<Name> | undefined {
  return readJson(folder, name)
}

/** Returns the results of the earlier version from `<name>-before.json`, or `undefined` if there are none. */
export function readBefore<Name extends keyof Results>(
  folder: string,
  name: Name,
): KeptBefore<Name> | undefined {
  return readJson(folder, `${name}-before`)
}

function readJson<Value>(folder: string, name: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
