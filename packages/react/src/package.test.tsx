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

test.each(sources)(
  '%s uses nothing that a strict Content-Security-Policy or an audit forbids',
  (name) => {
    expect(read(name)).not.toMatch(
      /dangerouslySetInnerHTML|style=|localStorage|sessionStorage|indexedDB|document\.cookie|innerHTML|\beval\b|new Function|opener/,
    )
    // A channel only reaches this origin. A window's postMessage can reach any origin.
    for (const [call] of read(name).matchAll(/\S*postMessage/g))
      expect(call).toBe('channel?.postMessage')
  },
)

test.each(sources.filter((name) => name !== 'browser/optional.ts'))(
  '%s uses optional browser features only through browser/optional.ts',
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

test('the README lists exactly the variables of the styles', () => {
  const variables = /--latchkey-[a-z-]+/g
  expect(matches(readme, variables)).toEqual(matches(styles, variables))
})

test('the README quotes the messages for a failed sign-in', () => {
  const quoted = [...readme.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)]
  expect(quoted).toHaveLength(9)
  for (const [, code, sentence] of quoted) {
    expect(Object.entries(errorSentences)).toContainEqual([code, sentence])
  }
})

test('the components use exactly the classes of the styles', () => {
  const used = matches(sources.map(read).join('\n'), /(?<=[`'"])latchkey-[a-z-]+/g)
  expect(
    matches(styles, /(?<=\.)latchkey-[a-z-]+/g).filter((name) => !used.includes(name)),
  ).toEqual([])
})

test('all rules are in one layer and use logical directions', () => {
  expect(styles.replace(/\/\*.*?\*\//gs, '').trim()).toMatch(/^@layer latchkey \{.*\}$/s)
  expect(styles).not.toMatch(
    /(?<![a-z-])((min|max)-)?(width|height|top|left|right|bottom):|-(left|right)\b|!important|url\(/,
  )
})
