import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Generated, readText, root } from './pages.ts'

// Fills in the publisher's URLs. To publish Latchkey, fill in publisher.json and run `npx pnpm@12 generate`,
// which writes the values into each package.json and into the server's messages. Each package's
// `prepublishOnly` script runs this file, and fails if a value is missing.

/** The contents of publisher.json. In the repository, every value is `null`. */
export interface Publisher {
  /** The website, such as `https://latchkey.dev`. */
  readonly homepage: string | null
  /** The repository's web page, such as `https://github.com/owner/latchkey`. */
  readonly repository: string | null
  /** Where people report bugs, such as `https://github.com/owner/latchkey/issues`. */
  readonly bugs: string | null
  /** Where people can read the `docs` folder, such as `https://github.com/owner/latchkey/blob/main/docs`. */
  readonly docs: string | null
}

export function readPublisher(): Publisher {
  return JSON.parse(readFileSync(join(root, 'publisher.json'), 'utf8'))
}

/** Returns each package.json and the file with the server's constant, with the publisher's values. */
export function renderPublisher(publisher: Publisher): Generated[] {
  const manifests = globSync('packages/*/package.json', { cwd: root }).sort()
  const constant = 'packages/fastify/src/http/docs-url.ts'
  return [
    ...manifests.map((file) => {
      const text = readText(file)
      return { file, text, written: manifestOf(text, dirname(file), publisher) }
    }),
    {
      file: constant,
      text: readText(constant),
      written: readText(constant).replace(
        /(?<=DOCS_URL: string = ').*(?=')/,
        () => publisher.docs?.replace(/\/$/, '') ?? 'docs',
      ),
    },
  ]
}

/** Returns package.json with the publisher's values after `keywords`. */
function manifestOf(text: string, directory: string, publisher: Publisher): string {
  const { homepage, bugs, repository } = publisher
  const manifest: Readonly<Record<string, unknown>> = JSON.parse(text)
  const values = {
    ...(homepage !== null && { homepage }),
    ...(bugs !== null && { bugs }),
    ...(repository !== null && {
      repository: { type: 'git', url: gitUrl(repository), directory },
    }),
  }
  const entries = Object.entries(manifest)
    .filter(([name]) => !['homepage', 'bugs', 'repository'].includes(name))
    .flatMap((entry) => (entry[0] === 'keywords' ? [entry, ...Object.entries(values)] : [entry]))
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}

function gitUrl(repository: string): string {
  return `git+${repository.replace(/\/$|\.git$/, '')}.git`
}

/** Returns sentences that say why the packages cannot be published yet. */
export function problemsOf(publisher: Publisher, generated: readonly Generated[]): string[] {
  const unset = (['homepage', 'repository', 'bugs', 'docs'] as const).filter(
    (name) => !isAddress(publisher[name]),
  )
  const outdated = generated.filter(({ text, written }) => text !== written)
  return [
    ...unset.map(
      (name) =>
        `publisher.json: \`${name}\` is not a public https URL. Fill it in, run npx pnpm@12 generate, then publish.`,
    ),
    ...outdated.map(
      ({ file }) => `${file} does not match publisher.json. Run npx pnpm@12 generate.`,
    ),
  ]
}

/** Whether a value is the URL of a public page rather than a placeholder. */
function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' && !/(^|\.)(example(\.\w+)?|localhost|invalid|test)$/.test(hostname)
}

if (import.meta.main) {
  const publisher = readPublisher()
  const problems = problemsOf(publisher, renderPublisher(publisher))
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
