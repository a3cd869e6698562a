import { dirname, relative } from 'node:path'
import { listPages, readText, summaryOf, titleOf } from './pages.ts'

// Renders the index pages of docs and its folders, from the titles and first sentences of the pages.

/** Returns the pages in a folder of docs, except for its index. */
export function pagesOf(folder: string): string[] {
  return listPages().filter((file) => dirname(file) === folder && !file.endsWith('/README.md'))
}

/** @param read Returns the text of a page. A generated page may differ from the one on disk. */
export function renderIndexes(read: (file: string) => string = readText): Map<string, string> {
  const list = (from: string, files: readonly string[]): string =>
    files.map((file) => entry(from, file, read(file))).join('\n')
  const index = (folder: string, head: string): [string, string] => [
    `${folder}/README.md`,
    `${head}\n\n${list(folder, pagesOf(folder))}\n`,
  ]
  const referencePages = [
    ...new Set([
      ...pagesOf('docs/reference'),
      'docs/reference/admission.md',
      'docs/reference/errors.md',
    ]),
  ]
  return new Map([
    index(
      'docs/guides',
      '# Guides\n\nHow to set up, deploy and operate Latchkey, and how to migrate to it.',
    ),
    index(
      'docs/providers',
      '# Providers\n\nFor each provider, these pages show how to register your app, which settings Latchkey needs, and what the provider returns. In development, you can sign in before you register anything: see [`@latchkey/provider-emulator`](../../packages/provider-emulator/README.md).',
    ),
    index(
      'docs/decisions',
      '# Decisions\n\nWhy Latchkey is built the way it is: what we chose, what it costs, and when to reconsider.',
    ),
    [
      'docs/reference/README.md',
      `# Reference\n\n${list('docs/reference', referencePages)}\n- [Components and hooks](../react/README.md): The components' props and the hooks' results in \`@latchkey/react\`.\n- [\`@latchkey/fastify\`](../../packages/fastify/README.md): The server's options.\n- [\`@latchkey/bitbucket-emulator\`](../../packages/bitbucket-emulator/README.md): The emulator's options.\n`,
    ],
    [
      'docs/README.md',
      [
        '# Documentation',
        'New here? Start with the [README](../README.md).',
        '## Guides',
        list('docs', pagesOf('docs/guides')),
        '## Providers',
        list('docs', pagesOf('docs/providers')),
        '## Packages',
        list(
          'docs',
          ['fastify', 'react', 'bitbucket-emulator', 'provider-emulator', 'contract'].map(readmeOf),
        ),
        '## React components and hooks',
        list('docs', ['docs/react/README.md', ...pagesOf('docs/react')]),
        '## Reference',
        list('docs', [...referencePages, 'docs/security.md', 'docs/benchmarks.md']),
        '## Background',
        '- [Decisions](decisions/README.md): Why Latchkey is built the way it is.\n- [Contributing](../CONTRIBUTING.md): How to run, test and change the code.\n- [Security policy](../SECURITY.md): How to report a vulnerability.',
      ]
        .join('\n\n')
        .concat('\n'),
    ],
  ])
}

function readmeOf(name: string): string {
  return `packages/${name}/README.md`
}

function entry(from: string, file: string, text: string): string {
  const [, number] = /\/(\d{3})-[^/]*$/.exec(file) ?? []
  const title = number === undefined ? titleOf(text) : `${number}: ${titleOf(text)}`
  const summary = summaryOf(text)
  return `- [${title}](${relative(from, file)})${summary === '' ? '' : `: ${summary}`}`
}
