import { type CodeEntry, reference } from '../packages/fastify/src/http/codes.ts'
import { english } from '../packages/react/src/locales/en.ts'
import type { AuthErrorCode } from '../packages/react/src/requests/auth-error.ts'

// Renders docs/reference/errors.md from the tables that the server uses and the messages that users see.

/** The message that users see for each code. */
const sentences: Readonly<Record<AuthErrorCode, string>> = english.errors

/** Renders the reference page, with every code. */
export function renderErrors(tables: typeof reference = reference): string {
  const isResponse = (code: string): boolean =>
    typeof (tables.errors as Readonly<Record<string, CodeEntry>>)[code]?.status === 'number'
  const codes = Object.keys(tables.errors)
  return `${[
    INTRODUCTION,
    '## Sign-in errors',
    `When a sign-in fails, Latchkey redirects the browser to the page where the sign-in began, with \`?auth_error=<code>\`. The components show the
message there. A sign-in can also fail with [\`server_error\`](#server_error) or [\`unavailable\`](#unavailable). When a sign-out with an HTML
form fails, Latchkey redirects the browser to the sign-in page with [\`unauthenticated\`](#unauthenticated) or [\`unavailable\`](#unavailable).`,
    ...codes.filter((code) => !isResponse(code)).flatMap((code) => errorPart(code, tables.errors)),
    '## Errors in responses',
    'The body is `{ "error": { "code": "…", "message": "…" } }`. The message is for the user. In your code, switch on the code.',
    ...codes.filter(isResponse).flatMap((code) => errorPart(code, tables.errors)),
    '## React kit errors',
    'The `code` of an `AuthError` is one of the codes above, or one of these.',
    ...Object.keys(tables.kit).flatMap((code) => errorPart(code, tables.kit)),
    '## Errors for developers',
    'The server throws these errors at boot, or when a route does something that cannot work. Each error has a `code`. If a route does not catch the error, Fastify responds with the status.',
    ...Object.entries(tables.mistakes).flatMap(([code, entry]) => [
      `### \`${code}\``,
      facts([['HTTP status', statusIn(entry)], ...causesAndFix(entry)]),
    ]),
    '## Log lines',
    'These warnings and errors do not have a code. If a log line is about one of the codes above, it ends with a link to that code on this page.',
    ...Object.entries(tables.log).flatMap(([name, entry]) => [
      `### \`${name}\``,
      facts([['Log line', code(entry.line)], ...causesAndFix(entry)]),
    ]),
  ].join('\n\n')}\n`
}

const INTRODUCTION = `# Errors and warnings

Every Latchkey error code and warning, with its causes and how to fix it. Error messages at boot, and warnings and errors in the
log, end with a link to their entry on this page. Codes are stable, but messages may change.`

function errorPart(name: string, table: Readonly<Record<string, CodeEntry>>): string[] {
  const entry = table[name]
  if (entry === undefined) return []
  const sentence = (sentences[name as AuthErrorCode] ?? '').replace('{provider}', 'The provider')
  return [
    `### \`${name}\``,
    facts([
      ['The user sees', `“${sentence}”`],
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

/** Formats a text as code, even if it contains backticks. */
function code(text: string): string {
  return text.includes('`') ? `\`\`${text}\`\`` : `\`${text}\``
}

/** Returns the codes that the sources throw but that are missing from the reference. */
export function undocumentedCodes(sources: Iterable<string>): string[] {
  const thrown = [...sources].flatMap((text) => text.match(/(?<=')LATCHKEY_[A-Z_]+(?=')/g) ?? [])
  return [...new Set(thrown)].filter((name) => !Object.hasOwn(reference.mistakes, name)).sort()
}
