import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// Reads what the generators need from a Markdown page: its title, its first sentences, its headings and their anchors.

export const root: string = join(import.meta.dirname, '..')

/** A file whose contents are generated. `text` is on disk, and `written` is what the generator returns now. */
export interface Generated {
  readonly file: string
  readonly text: string
  readonly written: string
}

export interface Heading {
  readonly level: number
  /** The heading without the Markdown syntax of links. */
  readonly title: string
  readonly anchor: string
  /** The index of the heading's line. */
  readonly line: number
}

/** Returns every Markdown page that people read, except for changelogs. */
export function listPages(): string[] {
  return globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root })
    .filter((file) => !file.endsWith('CHANGELOG.md'))
    .sort()
}

/** Returns the text of a file in the repository, or `''` if the file does not exist yet. */
export function readText(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    return ''
  }
}

/** Returns the headings of a page, with the same anchors as on GitHub. Code blocks are skipped. */
export function headingsOf(text: string): Heading[] {
  const taken = new Map<string, number>()
  let isCode = false
  return text.split('\n').flatMap((line, index) => {
    if (/^ *(```|~~~)/.test(line)) isCode = !isCode
    const [, marks = '', heading = ''] = (!isCode && /^(#{1,6}) (.*)$/.exec(line)) || []
    if (marks === '') return []
    const title = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim()
    const plain = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    const count = taken.get(plain) ?? 0
    taken.set(plain, count + 1)
    const anchor = count === 0 ? plain : `${plain}-${count}`
    return [{ level: marks.length, title, anchor, line: index }]
  })
}

/** Returns the title of a page. */
export function titleOf(text: string): string {
  return headingsOf(text)[0]?.title ?? ''
}

/** Returns the first sentence of a page, without links, or `''` if the page has no paragraph of text. */
export function summaryOf(text: string): string {
  return /^.*?[.!?:](?= [^a-z]|$)/.exec(introductionOf(text))?.[0].replace(/:$/, '.') ?? ''
}

/** Returns the first paragraph of a page as one line without links. */
export function introductionOf(text: string): string {
  const paragraphs = text.replaceAll(/<!--.*?-->/gs, '').split(/\n{2,}/)
  const first = paragraphs
    .slice(1)
    .find((one) => /^[^\s#|<>!-]/.test(one) && !one.startsWith('```'))
  return (first ?? '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\*\*Choice[.:]\*\* /, '')
    .replaceAll('**', '')
    .trim()
}
