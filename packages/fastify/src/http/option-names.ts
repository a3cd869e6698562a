import { LatchkeyError } from './errors.ts'

interface Wording {
  /** Returns the sentence about an unknown name. */
  readonly say?: (name: string) => string
  /** Additional advice for a name that does not resemble any option. */
  readonly unlike?: string
}

/**
 * Rejects an unknown option, and suggests the one that was probably meant.
 * @throws LatchkeyError `LATCHKEY_OPTION_UNKNOWN`
 */
export function refuseUnknownOptions(
  given: object,
  known: readonly string[],
  { say = (name) => `There is no option \`${name}\`.`, unlike }: Wording = {},
): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_UNKNOWN',
    `${say(unknown)} ${suggestion(unknown, known, unlike)}`,
  )
}

/** Returns sentences that suggest the closest name, if there is one, and list all names. */
export function suggestion(unknown: string, known: readonly string[], unlike?: string): string {
  const close = closest(unknown, known)
  const all = `The options are ${known.join(', ')}.`
  if (close !== null) return `Did you mean \`${close}\`? ${all}`
  return unlike === undefined ? all : `${all} ${unlike}`
}

/** Returns the known name that is a few keystrokes away, or `null`. */
function closest(unknown: string, known: readonly string[]): string | null {
  const [best] = known
    .map((name) => ({ name, distance: distance(plain(unknown), plain(name)) }))
    .sort((a, b) => a.distance - b.distance)
  if (best === undefined || best.distance > Math.max(1, best.name.length / 3)) return null
  return best.name
}

/** Makes `client_id`, `clientID` and `client-id` equal to `clientId`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** Returns the Levenshtein distance: how many characters must be inserted, deleted or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
