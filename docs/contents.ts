import { headingsOf } from './pages.ts'

// Adds a table of contents above the first section of every page that is longer than two screens.

const BLOCK = /^<!-- contents -->\n.*?^<!-- \/contents -->\n\n?/ms
/** About two screens. */
const SHORT = 80
/** With more headings than this, only sections are listed. */
const MANY = 60

/** Returns the page with an up-to-date table of contents, or without one if the page is short. */
export function withContents(page: string): string {
  const text = page.replace(BLOCK, '')
  const lines = text.split('\n')
  const headings = headingsOf(text).filter(({ level }) => level === 2 || level === 3)
  const sections = headings.filter(({ level }) => level === 2)
  const [first] = sections
  if (lines.length - 1 <= SHORT || first === undefined || sections.length < 2) return text
  const listed = headings.length > MANY ? sections : headings
  const entries = listed
    .filter(({ line }) => line >= first.line)
    .map(({ level, title, anchor }) => `${'  '.repeat(level - 2)}- [${title}](#${anchor})`)
  const block = ['<!-- contents -->', '', ...entries, '', '<!-- /contents -->', '']
  return lines.toSpliced(first.line, 0, ...block).join('\n')
}
