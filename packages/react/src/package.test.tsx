/// <reference types="node" />

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorSentences } from '@latchkey/contract'
import { expect, test } from 'vitest'

const here = import.meta.dirname
const sources = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /^[^.]+\.tsx?$/.test(name) && !name.startsWith('testing'),
)
const styles = readFileSync(join(here, 'looks/styles.css'), 'utf8')
const readme = readFileSync(join(here, '../README.md'), 'utf8')

function read(name: string): string {
  return readFileSync(join(here, name), 'utf8')
}

function matches(text: string, pattern: RegExp): string[] {
  return [...new Set(text.match(pattern))].sort()
}

test.each(sources)('%s does nothing that a strict page or a careful reader would mind', (name) => {
  expect(read(name)).not.toMatch(
    /dangerouslySetInnerHTML|style=|localStorage|sessionStorage|indexedDB|document\.cookie|innerHTML|\beval\b|new Function|opener/,
  )
  // A channel reaches this origin alone; a window's postMessage may reach any.
  for (const [call] of read(name).matchAll(/\S*postMessage/g))
    expect(call).toBe('channel?.postMessage')
})

test.each(sources.filter((name) => name !== 'browser/optional.ts'))(
  '%s leaves to browser/optional.ts what a browser may lack or block',
  (name) => {
    expect(read(name)).not.toMatch(
      /new BroadcastChannel|\bcrypto\.|AbortSignal\.|showModal|history\.|replaceState|matchMedia|navigator\.|toWellFormed|window\.open/,
    )
  },
)

test.each(sources)('%s can be imported by a server component', (name) => {
  const source = read(name)
  const callsReact = /\b(use[A-Z]\w*|createContext|forwardRef)\(/.test(source)
  expect(source.startsWith("'use client'\n")).toBe(callsReact)
})

test('every variable of the styles is in the README, and the README lists no other', () => {
  const variables = /--latchkey-[a-z-]+/g
  expect(matches(readme, variables)).toEqual(matches(styles, variables))
})

test('the README quotes the sentences for a failed sign-in as they are', () => {
  const quoted = [...readme.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)]
  expect(quoted).toHaveLength(9)
  for (const [, code, sentence] of quoted) {
    expect(Object.entries(errorSentences)).toContainEqual([code, sentence])
  }
})

test('every class of the styles is used, and every class that is used is ours', () => {
  const used = matches(sources.map(read).join('\n'), /(?<=[`'"])latchkey-[a-z-]+/g)
  expect(
    matches(styles, /(?<=\.)latchkey-[a-z-]+/g).filter((name) => !used.includes(name)),
  ).toEqual([])
})

test('all rules lie in one layer, and speak of start and end, not of left and right', () => {
  expect(styles.replace(/\/\*.*?\*\//gs, '').trim()).toMatch(/^@layer latchkey \{.*\}$/s)
  expect(styles).not.toMatch(
    /(?<![a-z-])((min|max)-)?(width|height|top|left|right|bottom):|-(left|right)\b|!important|url\(/,
  )
})
