import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pixelmatch from 'pixelmatch'
import type { Page } from 'playwright-core'
import { PNG } from 'pngjs'
import { expect } from 'vitest'

/** What the gallery is to look like. */
const PICTURES = join(import.meta.dirname, 'pictures')
/** Where a picture that differs is put, beside one of the difference. */
const DIFFERENT = join(import.meta.dirname, '../../../screenshots/different')

/**
 * How different a picture may be: the browser and the fonts are the same everywhere, the processor and so
 * the last bit of a blurred shadow are not.
 */
const TOLERANCE = {
  /** Of a pixel's colour, from 0 to 1, as pixelmatch weighs it: white is not a very light grey. */
  colour: 0.02,
  /** How many pixels may differ by more: less than a small word has. */
  pixels: 40,
}

/**
 * Takes a picture of the whole page and compares it with the one in pictures/. With `UPDATE_PICTURES` set
 * in the environment, it becomes the one to compare with.
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
  if (!existsSync(file)) throw new Error(`There is no picture "${name}" yet. ${CURE}`)

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
  expect(size, `The picture "${name}" has another size. ${CURE}`).toEqual({ width, height })
  throw new Error(`The picture "${name}" differs in ${pixels} pixels. ${CURE}`)
}

const CURE = `Look at screenshots/different. If it is as it should be:
UPDATE_PICTURES=1 npx pnpm@12 exec vitest run --project browser gallery`
