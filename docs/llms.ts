import { pagesOf } from './index-pages.ts'
import { introductionOf, summaryOf, titleOf } from './pages.ts'
import type { Publisher } from './publisher.ts'

// Renders llms.txt and llms-full.txt, for assistants that answer questions about Latchkey. See https://llmstxt.org.

function sections(): readonly (readonly [title: string, files: readonly string[]])[] {
  return [
    [
      'Start',
      [
        'README.md',
        'packages/fastify/README.md',
        'packages/react/README.md',
        'packages/bitbucket-emulator/README.md',
        'packages/provider-emulator/README.md',
        'packages/contract/README.md',
      ],
    ],
    ['Guides', pagesOf('docs/guides')],
    ['Providers', pagesOf('docs/providers')],
    ['React components and hooks', ['docs/react/README.md', ...pagesOf('docs/react')]],
    ['Reference', ['docs/reference/admission.md', 'docs/reference/errors.md', 'docs/security.md']],
  ]
}

type Read = (file: string) => string

/** @param read Returns the generated text of a page. */
export function renderLlms(read: Read, { docs }: Publisher): string {
  const address = (file: string): string =>
    docs === null ? file : new URL(`../${file}`, `${docs}/`).href
  const list = (files: readonly string[]): string =>
    files
      .map((file) => {
        const summary = summaryOf(read(file))
        return `- [${titleOf(read(file))}](${address(file)})${summary === '' ? '' : `: ${summary}`}`
      })
      .join('\n')
  const optional = [...pagesOf('docs/decisions'), 'docs/benchmarks.md', 'CONTRIBUTING.md']
  return `${[
    '# Latchkey',
    `> ${introductionOf(read('README.md'))}`,
    ...sections().flatMap(([title, files]) => [`## ${title}`, list(files)]),
    '## Optional',
    list(optional),
  ].join('\n\n')}\n`
}

/** Returns the text of every page in llms.txt, except for the optional ones. */
export function renderLlmsFull(read: Read): string {
  return `${sections()
    .flatMap(([, files]) => files)
    .map((file) => {
      const text = read(file)
        .replaceAll(/^<!-- contents -->\n.*?^<!-- \/contents -->\n\n?/gms, '')
        .replaceAll(/^<!--.*?-->\n\n?/gms, '')
        .trim()
      return `<!-- ${file} -->\n\n${text}`
    })
    .join('\n\n')}\n`
}
