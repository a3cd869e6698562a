import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bundle, pages } from './browser-size.ts'

it('measures every file in the folder of pages', () => {
  const files = readdirSync(join(import.meta.dirname, 'pages'))
    .filter((file) => file.endsWith('.tsx'))
    .map((file) => file.replace('.tsx', ''))
  expect(Object.keys(pages).sort()).toEqual(files.sort())
})

it.each(Object.keys(pages))(
  'bundles %s reproducibly, with everything except React',
  async (name) => {
    const first = await bundle(name)
    expect(first.outside.filter((id) => !/^react(-dom)?(\/|$)/.test(id))).toEqual([])
    expect(first.scripts).toHaveLength(1)
    expect(await bundle(name)).toEqual(first)
  },
)
