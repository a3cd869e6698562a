import { headingsOf } from './pages.ts'

// The table of contents of a page that is longer than two screens, above its first section.

const BLOCK = /^<!-- contents -->\n.*?^<!-- \/contents -->\n\n?/ms
/** About two screens. */
const SHORT = 80
/** With more headings than this, only sections are listed. */
const MANY = 60

/** Returns a page with the contents that it has today, or without any if it is short. */
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
