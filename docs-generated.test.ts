import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withContents } from './docs/contents.ts'
import { renderErrors, undocumentedCodes } from './docs/errors-page.ts'
import { readFunctions } from './docs/examples.ts'
import { headingsOf } from './docs/pages.ts'
import { type Publisher, problemsOf, renderPublisher } from './docs/publisher.ts'
import { generate } from './docs/write.ts'
import { errorSentences } from './packages/contract/src/errors.ts'
import { reference } from './packages/fastify/src/http/codes.ts'
import { LatchkeyError, sendError } from './packages/fastify/src/http/errors.ts'
import { english } from './packages/react/src/locales/en.ts'

const root = import.meta.dirname

const sources = globSync('packages/fastify/src/**/*.ts', { cwd: root })
  .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
  .map((file) => readFileSync(join(root, file), 'utf8'))

it('every generated page and file matches its sources', () => {
  const outdated = generate()
    .filter(({ text, written }) => text !== written)
    .map(({ file }) => `${file}: npx pnpm@12 generate`)
  expect(outdated).toEqual([])
})

describe('the reference of codes', () => {
  it('has every code that the server throws or returns, or that the kit adds', () => {
    expect(undocumentedCodes(sources)).toEqual([])
    expect(Object.keys(reference.errors).sort()).toEqual(Object.keys(errorSentences).sort())
    const known = { ...reference.errors, ...reference.kit }
    expect(Object.keys(known).sort()).toEqual(Object.keys(english.errors).sort())
    const anchors = headingsOf(renderErrors()).map(({ anchor }) => anchor)
    const names = Object.values(reference).flatMap((table) => Object.keys(table))
    expect(names.filter((name) => !anchors.includes(name.toLowerCase()))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  it('quotes log lines that the server really writes', () => {
    const written = sources.join('\n').replaceAll('\\`', '`')
    const lines = Object.values(reference.log).map(({ line }) => line)
    const quoted = lines.map((line) => line.split(/…|`(?=…)/).filter((part) => part.trim() !== ''))
    expect(lines.length).toBeGreaterThan(8)
    // The table also contains each line.
    const missing = quoted.flat().filter((part) => written.split(part).length < 3)
    expect(missing).toEqual([])
  })

  it('fails for a code that was only added to the sources', () => {
    const added = `throw new LatchkeyError('LATCHKEY_NEWLY_ADDED', 'A sentence.')`
    expect(undocumentedCodes([...sources, added])).toEqual(['LATCHKEY_NEWLY_ADDED'])
    // @ts-expect-error The code is not in the table.
    expect(() => new LatchkeyError('LATCHKEY_NEWLY_ADDED', 'A sentence.')).toThrow(TypeError)
    // @ts-expect-error The code is not in the table.
    expect(() => sendError({}, 'newly_added')).toThrow(TypeError)
  })

  it('fails for a code that was only added to the table', () => {
    const entry = { status: 500, causes: ['A cause.'], fix: 'A fix.' }
    const mistakes = { ...reference.mistakes, LATCHKEY_NEWLY_ADDED: entry }
    const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8')
    expect(page).toBe(withContents(renderErrors()))
    expect(page).not.toBe(withContents(renderErrors({ ...reference, mistakes })))
  })

  it('is the page that a LatchkeyError’s message links to', () => {
    const { message } = new LatchkeyError('LATCHKEY_OPTION_INVALID', 'A sentence.')
    const [, file = '', anchor] = /^A sentence\. See (\S+)#(\S+)$/.exec(message) ?? []
    const headings = headingsOf(readFileSync(join(root, file), 'utf8'))
    expect(headings.map((heading) => heading.anchor)).toContain(anchor)
  })
})

describe('a table of contents', () => {
  const page = (sections: number): string =>
    ['# Title', '', 'A sentence.', '', ...Array.from({ length: sections }, section)].join('\n')
  const section = (_: unknown, index: number): string =>
    `## Section \`${index}\`\n${'\ntext\n'.repeat(10)}`

  it('is above the first section of a long page, and only there', () => {
    const text = page(5)
    const written = withContents(text)
    expect(written).toContain('- [Section `4`](#section-4)\n')
    expect(written.indexOf('<!-- contents -->')).toBeLessThan(written.indexOf('## Section `0`'))
    expect(withContents(written)).toBe(written)
    expect(withContents(page(2))).toBe(page(2))
  })

  it('numbers a heading that occurs twice, and skips code', () => {
    const anchors = headingsOf('# A\n## B\n```sh\n# not a heading\n```\n## B\n').map(
      ({ anchor }) => anchor,
    )
    expect(anchors).toEqual(['a', 'b', 'b-1'])
  })
})

describe('publishing', () => {
  const unset: Publisher = { homepage: null, repository: null, bugs: null, docs: null }
  const set: Publisher = {
    homepage: 'https://latchkey.dev',
    repository: 'https://github.com/latchkey/latchkey',
    bugs: 'https://github.com/latchkey/latchkey/issues',
    docs: 'https://github.com/latchkey/latchkey/blob/main/docs',
  }

  it('fails while publisher.json has a missing or placeholder value', () => {
    expect(problemsOf(unset, [])).toHaveLength(4)
    expect(problemsOf({ ...set, homepage: 'https://example.com' }, [])).toEqual([
      'publisher.json: `homepage` is not a public https URL. Fill it in, run npx pnpm@12 generate, then publish.',
    ])
    expect(problemsOf(set, [])).toEqual([])
  })

  it('fails until the manifests and the URLs in messages match publisher.json', () => {
    const generated = renderPublisher(set)
    expect(problemsOf(set, generated)).toHaveLength(6)
    const manifests = generated.flatMap(({ file, written }) =>
      file.endsWith('.json') ? [JSON.parse(written)] : [],
    )
    expect(manifests).toHaveLength(5)
    for (const { name, author, keywords, description, scripts, ...manifest } of manifests) {
      expect(manifest).toMatchObject({
        homepage: set.homepage,
        bugs: set.bugs,
        repository: {
          type: 'git',
          url: 'git+https://github.com/latchkey/latchkey.git',
          directory: name.replace('@latchkey', 'packages'),
        },
        license: 'MIT',
      })
      expect(author).toBe('Latchkey contributors')
      expect(keywords.length).toBeGreaterThan(3)
      expect(description.length).toBeGreaterThan(30)
      expect(scripts.prepublishOnly).toBe('node ../../docs/publisher.ts')
    }
    const constant = generated.find(({ file }) => file.endsWith('docs-url.ts'))
    expect(constant?.written).toContain(`DOCS_URL: string = '${set.docs}'`)
  })
})

it('every public function has an example', () => {
  const functions = readFunctions()
  expect(functions.length).toBeGreaterThan(40)
  expect(functions.flatMap(({ name, hasExample }) => (hasExample ? [] : name))).toEqual([])
})
