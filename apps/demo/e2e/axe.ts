import axe, { type AxeResults, type RunOnly, type RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/** WCAG 2.2 A and AA, and axe's best practices. */
const RULES: RunOnly = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
}

/** The rules whose result depends on colours or on the size of elements. */
const RULES_OF_APPEARANCE: RunOnly = {
  type: 'rule',
  values: ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable'],
}

/**
 * Returns the rules that a page breaks, and where. To check the same page in another colour scheme or width,
 * `'appearance'` is enough.
 */
export async function findingsOfAxe(
  page: Page,
  rules: 'all' | 'appearance' = 'all',
): Promise<string[]> {
  const options: RunOptions = {
    runOnly: rules === 'all' ? RULES : RULES_OF_APPEARANCE,
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
