import { type CodeEntry, reference } from '../packages/fastify/src/http/codes.ts'
import { english } from '../packages/react/src/locales/en.ts'
import type { AuthErrorCode } from '../packages/react/src/requests/auth-error.ts'

// docs/reference/errors.md, from the table that the server uses and the sentences that people see.

/** What people see of a code. */
const sentences: Readonly<Record<AuthErrorCode, string>> = english.errors

/** Renders the reference of every code. */
export function renderErrors(tables: typeof reference = reference): string {
  const isResponse = (code: string): boolean =>
    typeof (tables.errors as Readonly<Record<string, CodeEntry>>)[code]?.status === 'number'
  const codes = Object.keys(tables.errors)
  return `${[
    INTRODUCTION,
    '## Errors of a sign-in',
    `A sign-in that fails ends on the page where it began, with \`?auth_error=<code>\`, and the components show the sentence. The codes
[\`server_error\`](#server_error) and [\`unavailable\`](#unavailable) can end a sign-in too. A sign-out by form that fails leads to the
sign-in page with [\`unauthenticated\`](#unauthenticated) or [\`unavailable\`](#unavailable).`,
    ...codes.filter((code) => !isResponse(code)).flatMap((code) => errorPart(code, tables.errors)),
    '## Errors in responses',
    'The body is `{ "error": { "code": "…", "message": "…" } }`. The message is the sentence for the person. Switch on the code.',
    ...codes.filter(isResponse).flatMap((code) => errorPart(code, tables.errors)),
    '## Errors of the React kit',
    'The `code` of an `AuthError` is one of the codes above, or one of these.',
    ...Object.keys(tables.kit).flatMap((code) => errorPart(code, tables.kit)),
    '## Errors for developers',
    'The server throws these at boot, or when a route does something that cannot work. Each has a `code`. The status is the response of a route that lets the error through.',
    ...Object.entries(tables.mistakes).flatMap(([code, entry]) => [
      `### \`${code}\``,
      facts([['HTTP status', statusIn(entry)], ...causesAndFix(entry)]),
    ]),
    '## Lines in the log',
    'These warnings and errors have no code of their own. The log line of a code above ends with the address of that code.',
    ...Object.entries(tables.log).flatMap(([name, entry]) => [
      `### \`${name}\``,
      facts([['The line', code(entry.line)], ...causesAndFix(entry)]),
    ]),
  ].join('\n\n')}\n`
}

const INTRODUCTION = `# Errors and warnings

Every error code and every warning of Latchkey, with its causes and the fix. Messages at boot, warnings and errors in the log end with
the address of their entry on this page. Codes are stable; messages and sentences may change.`

function errorPart(name: string, table: Readonly<Record<string, CodeEntry>>): string[] {
  const entry = table[name]
  if (entry === undefined) return []
  const sentence = (sentences[name as AuthErrorCode] ?? '').replace('{provider}', 'The provider')
  return [
    `### \`${name}\``,
    facts([
      ['The person sees', `“${sentence}”`],
      ...(entry.status === null ? [] : [['HTTP status', statusIn(entry)] as const]),
      ...causesAndFix(entry),
    ]),
  ]
}

type Fact = readonly [name: string, text: string | readonly string[]]

function causesAndFix({ causes, fix }: Pick<CodeEntry, 'causes' | 'fix'>): readonly Fact[] {
  const [only = ''] = causes
  return [causes.length === 1 ? ['Cause', only] : ['Causes', causes], ['Fix', fix]]
}

function facts(all: readonly Fact[]): string {
  return all
    .map(([name, text]) =>
      typeof text === 'string'
        ? `- **${name}:** ${text}`
        : [`- **${name}:**`, ...text.map((one) => `  - ${one}`)].join('\n'),
    )
    .join('\n')
}

function statusIn({ status, statusNote }: CodeEntry): string {
  return statusNote === undefined ? `${status}` : `${status}. ${statusNote}`
}

/** As code, though it contains backticks. */
function code(text: string): string {
  return text.includes('`') ? `\`\`${text}\`\`` : `\`${text}\``
}

/** Returns the codes that sources throw and the reference does not have. */
export function undocumentedCodes(sources: Iterable<string>): string[] {
  const thrown = [...sources].flatMap((text) => text.match(/(?<=')LATCHKEY_[A-Z_]+(?=')/g) ?? [])
  return [...new Set(thrown)].filter((name) => !Object.hasOwn(reference.mistakes, name)).sort()
}
