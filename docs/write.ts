import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { renderAdmission } from './admission-page.ts'
import { withContents } from './contents.ts'
import { renderErrors } from './errors-page.ts'
import { renderIndexes } from './index-pages.ts'
import { renderLlms, renderLlmsFull } from './llms.ts'
import { type Generated, listPages, readText, root } from './pages.ts'
import { readReference } from './props.ts'
import { readPublisher, renderPublisher } from './publisher.ts'

// Generates the pages and files that have other sources in the repository. `npx pnpm@12 generate` writes them, and
// `docs-generated.test.ts` checks that they are up to date.

export function generate(): Generated[] {
  const publisher = readPublisher()
  const pages = new Map(listPages().map((file) => [file, readText(file)]))
  for (const { file, written } of readReference().pages) pages.set(file, written)
  pages.set('docs/reference/errors.md', renderErrors())
  pages.set('docs/reference/admission.md', renderAdmission())
  const read = (file: string): string => pages.get(file) ?? ''
  for (const [file, text] of renderIndexes(read)) pages.set(file, text)
  for (const [file, text] of pages) pages.set(file, withContents(text))
  const files = [
    ...pages,
    ['llms.txt', renderLlms(read, publisher)],
    ['llms-full.txt', renderLlmsFull(read)],
  ] as const
  return [
    ...files.map(([file, written]) => ({ file, text: readText(file), written })),
    ...renderPublisher(publisher),
  ]
}

if (import.meta.main) {
  for (const { file, text, written } of generate()) {
    if (text === written) continue
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), written)
    console.log(file)
  }
}
