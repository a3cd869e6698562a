import axe, { type AxeResults, type RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/** The rules of WCAG 2.2, A and AA, and axe's own of good practice, that a page breaks, and where. */
export async function findingsOfAxe(page: Page): Promise<string[]> {
  const options: RunOptions = {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
  }
  // Once a document: reading axe again for every look at the same page takes time.
  if (await page.evaluate(() => !('axe' in window))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults, RunOptions>(
    (options) => Object(window).axe.run(options),
    options,
  )
  return violations.map(({ id, nodes }) => {
    return `${id} at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`
  })
}
