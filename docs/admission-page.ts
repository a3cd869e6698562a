import {
  type AdmissionCase,
  admissionCases,
} from '../packages/fastify/src/accounts/admission-cases.ts'

// Renders docs/reference/admission.md from the cases that the tests check.

export function renderAdmission(): string {
  return `${[
    `# Who is admitted

What happens to a sign-in, depending on the options \`signUp\` and \`emails\`. Our tests check every row of these tables.
[Decide who can sign in](../guides/who-can-sign-in.md) explains the options.`,
    ...Object.entries(admissionCases).flatMap(([rule, cases]) => [`## ${rule}`, table(cases)]),
  ].join('\n\n')}\n`
}

function table(cases: readonly AdmissionCase[]): string {
  const rows = [['options', 'the provider returns', 'account', 'result'], ...cases.map(row)]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? '').length)),
  )
  const [head = '', ...lines] = rows.map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  )
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [head, rule, ...lines].join('\n')
}

const ACCOUNTS = { new: 'new', known: 'has signed in before', banned: 'its user is banned' }

function row({ options, profile, user = 'new', result }: AdmissionCase): string[] {
  return [
    Object.keys(options).length === 0 ? 'none' : `\`${literal(options).slice(2, -2)}\``,
    returned(profile),
    ACCOUNTS[user],
    resultOf(result),
  ]
}

function returned({ email, emailVerified, active }: AdmissionCase['profile']): string {
  const address =
    email === undefined
      ? 'no answer about the address'
      : email === null
        ? 'that it has no address'
        : `\`${email}\`, ${emailVerified === true ? 'verified' : 'not verified'}`
  return active === false ? `${address}, account closed` : address
}

function resultOf(result: AdmissionCase['result']): string {
  if (result === 'new-user') return 'becomes a new user'
  if (result === 'known-user') return 'signs in'
  return `rejected with [\`${result}\`](errors.md#${result})`
}

/** Returns a value as JavaScript, formatted like the code in our docs. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return `'${value}'`
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field)}`)
  return `{ ${fields.join(', ')} }`
}
