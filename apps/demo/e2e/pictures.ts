import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pixelmatch from 'pixelmatch'
import type { Page } from 'playwright-core'
import { PNG } from 'pngjs'
import { expect } from 'vitest'

/** The folder of the expected pictures. */
const PICTURES = join(import.meta.dirname, 'pictures')
/** The folder for pictures that differ, along with images that show the difference. */
const DIFFERENT = join(import.meta.dirname, '../../../screenshots/different')

/**
 * The tolerated difference. The browser and fonts are the same everywhere, but processors differ, which affects the
 * last bit of a blurred shadow.
 */
const TOLERANCE = {
  /**
   * How much a pixel's colour may differ, from 0 to 1, as in pixelmatch. This still distinguishes white from a very
   * light grey.
   */
  colour: 0.02,
  /** How many pixels may differ by more than that. A small word has more pixels. */
  pixels: 40,
}

/**
 * Compares a picture of the whole page with the one in pictures/. If the environment variable `UPDATE_PICTURES` is set,
 * the new picture replaces the old one.
 */
export async function expectPicture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready.then(() => {}))
  const bytes = await page.screenshot({ fullPage: true, animations: 'disabled', caret: 'hide' })
  const file = join(PICTURES, `${name}.png`)
  if (process.env.UPDATE_PICTURES) {
    await mkdir(PICTURES, { recursive: true })
    await writeFile(file, bytes)
    return
  }
  if (!existsSync(file)) throw new Error(`The picture "${name}" does not exist yet. ${CURE}`)

  const wantedBytes = await readFile(file)
  if (bytes.equals(wantedBytes)) return

  const taken = PNG.sync.read(bytes)
  const wanted = PNG.sync.read(wantedBytes)
  const { width, height } = wanted
  const size = { width: taken.width, height: taken.height }
  const difference = new PNG({ width, height })
  const pixels =
    size.width === width && size.height === height
      ? pixelmatch(wanted.data, taken.data, difference.data, width, height, {
          threshold: TOLERANCE.colour,
        })
      : Number.POSITIVE_INFINITY
  if (pixels <= TOLERANCE.pixels) return

  await mkdir(DIFFERENT, { recursive: true })
  await writeFile(join(DIFFERENT, `${name}.png`), bytes)
  await writeFile(join(DIFFERENT, `${name}-difference.png`), PNG.sync.write(difference))
  expect(size, `The picture "${name}" has a different size. ${CURE}`).toEqual({ width, height })
  throw new Error(`The picture "${name}" differs in ${pixels} pixels. ${CURE}`)
}

const CURE = `Look at screenshots/different. If the change is intended, run:
UPDATE_PICTURES=1 npx pnpm@12 exec vitest run --project browser gallery`
