import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderPage } from './page.ts'

it('docs/benchmarks.md says what the results say, and nobody has put it more nicely', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/benchmarks.md'), 'utf8')
  expect(page).toBe(renderPage(join(import.meta.dirname, '../results')))
})
