import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// What the generators know of a Markdown page: its title, its headings and their anchors.

export const root: string = join(import.meta.dirname, '..')

/** A file as it is in the repository, and as it is generated today. */
export interface Generated {
  readonly file: string
  readonly text: string
  readonly written: string
}

export interface Heading {
  readonly level: number
  /** Without the marks of Markdown's links and code. */
  readonly title: string
  readonly anchor: string
  /** The index of its line. */
  readonly line: number
}

/** Every Markdown page that people read, changelogs aside. */
export function listPages(): string[] {
  return globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root })
    .filter((file) => !file.endsWith('CHANGELOG.md'))
    .sort()
}

/** Returns the text of a file of the repository, or `''` if it does not exist yet. */
export function readText(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    return ''
  }
}

/** Returns the headings of a page, with the anchors that GitHub gives them. Code is skipped. */
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

/** Returns the first sentence of a page, without links, or `''` if it begins with something else than text. */
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
