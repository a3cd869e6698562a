import axe, { type AxeResults, type RunOnly, type RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/** WCAG 2.2, A and AA, and axe's own rules of good practice. */
const RULES: RunOnly = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
}

/** Those among them whose outcome depends on a colour. */
const RULES_OF_COLOUR: RunOnly = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

/**
 * Returns the rules that a page breaks, and where. A page that was looked at in light already can break
 * only those of `'colours'` in dark.
 */
export async function findingsOfAxe(
  page: Page,
  rules: 'all' | 'colours' = 'all',
): Promise<string[]> {
  const options: RunOptions = {
    runOnly: rules === 'all' ? RULES : RULES_OF_COLOUR,
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
