import { refuseUnknownOptions } from '../http/option-names.ts'
import { invalidProvider } from './invalid-provider.ts'
import { isObject, isSynchronous, type Provider, type RefusalCode, type Step } from './provider.ts'

/** Names in the answers that are not steps. */
const RESERVED = ['claims', 'posted']

const STEP_FIELDS = [
  'url',
  'method',
  'body',
  'headers',
  'read',
  'pages',
  'isRow',
  'isEnough',
  'optional',
  'fix',
  'refused',
]

const REFUSALS: Readonly<Record<RefusalCode, true>> = {
  access_denied: true,
  account_inactive: true,
  provider_bad_answer: true,
  provider_refused: true,
  provider_unavailable: true,
}

/**
 * Checks the requests of a sheet.
 * @throws LatchkeyError
 */
export function checkSteps({ id, steps }: Provider): void {
  for (const [name, step] of Object.entries<unknown>(steps)) {
    const fault = isObject(step) ? faultOf(name, step) : 'must be an object with a `url`'
    if (fault !== null) throw invalidProvider(id, `\`steps.${name}\` ${fault}`)
    refuseUnknownOptions(step as Step, STEP_FIELDS, {
      say: (field) => `Provider \`${id}\`: there is no field \`steps.${name}.${field}\`.`,
    })
  }
}

/** Returns what is wrong with a step, as the end of a sentence, or `null`. */
function faultOf(name: string, step: Record<string, unknown>): string | null {
  const { url, method, body, headers, optional, fix, refused } = step
  if (RESERVED.includes(name)) return 'must have another name, because Latchkey sets this one'
  if (!isSynchronous(url) && !isRequestUrl(url)) {
    return 'must have a `url`: an http or https URL, or a function that returns one, not a promise'
  }
  if (method !== undefined && method !== 'GET' && method !== 'POST') {
    return "must have the `method` 'GET' or 'POST'"
  }
  if (body !== undefined && (method !== 'POST' || !isObject(body))) {
    return "may have a `body`, an object, only with method: 'POST'"
  }
  if (headers !== undefined && !areHeaders(headers)) {
    return 'must have strings in `headers`, without `authorization`, which Latchkey sets'
  }
  if (optional !== undefined && (typeof optional !== 'string' || optional === '')) {
    return 'must say in `optional` what the profile lacks without it'
  }
  if (fix !== undefined && !areTexts(fix)) return 'must have a sentence for each status in `fix`'
  if (refused !== undefined && !areRefusals(refused)) {
    return `must have one of ${Object.keys(REFUSALS).join(', ')} for each status in \`refused\``
  }
  return faultOfReading(step)
}

function faultOfReading({ read, pages, isRow, isEnough }: Record<string, unknown>): string | null {
  const isHeader = isObject(read) && typeof read.header === 'string'
  if (read !== undefined && !isHeader && !['object', 'list', 'text'].includes(read as string)) {
    return "must have `read` as 'object', 'list', 'text' or { header }"
  }
  const ofLists = { pages, isRow, isEnough }
  const misplaced = Object.entries(ofLists).find(([, value]) => value !== undefined)
  if (read !== 'list' && misplaced !== undefined) {
    return `may have \`${misplaced[0]}\` only with read: 'list'`
  }
  const arePages =
    pages === undefined ||
    pages === 'link' ||
    (isObject(pages) && typeof pages.rows === 'string' && typeof pages.next === 'string')
  if (!arePages) return "must have `pages` as 'link' or { rows, next }"
  for (const [name, value] of Object.entries({ isRow, isEnough })) {
    if (value !== undefined && !isSynchronous(value)) {
      return `must have a function \`${name}\` that returns a boolean, not a promise`
    }
  }
  return null
}

export function isRequestUrl(url: unknown): boolean {
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === ''
}

function areTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function areHeaders(value: unknown): boolean {
  return (
    areTexts(value) && !Object.keys(value as object).some((name) => /^authorization$/i.test(name))
  )
}

function areRefusals(value: unknown): boolean {
  return (
    isObject(value) && Object.values(value).every((code) => Object.hasOwn(REFUSALS, code as string))
  )
}
