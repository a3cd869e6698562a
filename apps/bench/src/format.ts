import type { Spread } from './statistics.ts'

// How the page writes figures and tables.

export const STORES = [
  ['sqlite', 'SQLite'],
  ['postgres', 'PostgreSQL'],
] as const

export function inRange({ median, least, most }: Spread, digits: number): string {
  const [middle, low, high] = [median, least, most].map((value) => grouped(value, digits))
  return low === high ? `${middle}` : `${middle} (${low}–${high})`
}

export function round(value: number): string {
  return grouped(value, 0)
}

export function grouped(value: number, digits: number): string {
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return value.toLocaleString('en', format)
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}

export function megabytes(bytes: number): string {
  return fixed(bytes / 1e6, 1)
}

export function kilobytes(bytes: number): string {
  return fixed(bytes / 1e3, 1)
}

/** The length of the longest bar, in characters. */
const BAR = 40

export function bars(rows: readonly { title: string; value: number; words: string }[]): string {
  const longest = Math.max(...rows.map(({ title }) => title.length))
  const most = Math.max(...rows.map(({ value }) => value))
  const lines = rows.map(({ title, value, words }) => {
    const length = Math.max(1, Math.round((value / most) * BAR))
    return `${title.padEnd(longest)}  ${'█'.repeat(length)} ${words}`
  })
  return `\`\`\`text\n${lines.join('\n')}\n\`\`\``
}

/** Aligns a column to the right if all of its cells are figures. The first column is always words. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const isFigure = (index: number): boolean =>
    index > 0 && rows.every((cells) => /^[*]*[<\d(−–-]/.test(cells[index] ?? ''))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, index) => (isFigure(index) ? '--:' : '---'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}
