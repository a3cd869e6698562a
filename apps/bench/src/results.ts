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

/** What each measurement found, by its name on the command line. */
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

/** Where and with what it was found. */
export interface Circumstances {
  /** Such as `2026-11-21`. */
  readonly date: string
  /** Measured for too short a time to mean much. */
  readonly quick: boolean
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Whether what was measured had a core to itself. */
  readonly pinned: boolean
  readonly versions: Readonly<Record<string, string>>
}

export type Kept<Name extends keyof Results> = Circumstances & { readonly result: Results[Name] }

/** The figures of every measurement, as far as there are any. */
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

/** Figures of an earlier version, taken by the same bench and kept for comparison. */
export type KeptBefore<Name extends keyof Results> = Kept<Name> & {
  /** The commit that was measured. */
  readonly commit: string
  /** How the run differed from a regular one. */
  readonly how: string
}

/** What was kept, or nothing if this was not measured yet. */
export function read<Name extends keyof Results>(
  folder: string,
  name: Name,
): Kept<Name> | undefined {
  return readJson(folder, name)
}

/** Returns the figures of the version before, from `<name>-before.json`, if there are any. */
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
