import axe, { type AxeResults, type RunOnly, type RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/** WCAG 2.2 A and AA, and axe's best practices. */
const RULES: RunOnly = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
}

/** The rules whose result depends on colours. */
const RULES_OF_COLOUR: RunOnly = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

/**
 * Returns the rules that a page breaks, and where. For the dark version of a page that was checked in light,
 * the rules of `'colours'` are enough.
 */
export async function findingsOfAxe(
  page: Page,
  rules: 'all' | 'colours' = 'all',
): Promise<string[]> {
  const options: RunOptions = {
    runOnly: rules === 'all' ? RULES : RULES_OF_COLOUR,
    resultTypes: ['violations'],
  }
  // Only once per document, because evaluating axe takes time.
  if (await page.evaluate(() => !('axe' in window))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults, RunOptions>(
    (options) => Object(window).axe.run(options),
    options,
  )
  return violations.map(({ id, nodes }) => {
    return `${id} at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`
  })
}
