import { type Answer, json } from '@latchkey/bitbucket-emulator/building-blocks'
import type { Consent } from './consents.ts'
import type { EmulatedUrls } from './emulated-url.ts'
import type { EmulatedPerson, EmulatedResponse } from './person.ts'
import type { SheetStep } from './sheet.ts'

/**
 * Returns the known answer to a request of a sheet's step.
 * @param url The request's URL at the provider
 */
export function answerStep({ double, person }: Consent, method: string, url: string): Answer {
  const { sheet, urls } = double
  const earlier: Record<string, unknown> = {}
  for (const [name, step] of Object.entries(sheet.steps)) {
    const pages = pagesOf(person, name)
    const first = urlOf(step, earlier)
    const page = (step.method ?? 'GET') === method ? pageAt(url, first, step, pages) : -1
    if (page === 0 && pages.length === 0) return missing(person, name)
    const response = pages[page]
    if (response !== undefined) return answerOf(response, step, urls)
    earlier[name] = whatIsRead(pages, step)
  }
  return json(404, {
    error: 'not_emulated',
    error_description: `The sheet does not request ${url}.`,
  })
}

function pagesOf({ responses = {} }: EmulatedPerson, step: string): readonly EmulatedResponse[] {
  return [responses[step] ?? []].flat()
}

/** Returns a step's URL, or `null` if it cannot be built from the answers about this person. */
function urlOf({ url }: SheetStep, earlier: Readonly<Record<string, unknown>>): string | null {
  if (typeof url === 'string') return url
  try {
    return url(earlier)
  } catch {
    return null
  }
}

/** Returns the index of the page at a URL: the first page, or one that another page links to. Returns -1 if there is none. */
function pageAt(
  url: string,
  first: string | null,
  step: SheetStep,
  pages: readonly EmulatedResponse[],
): number {
  if (url === first) return 0
  const before = pages.findIndex((page) => nextOf(page, step) === url)
  return before === -1 ? -1 : before + 1
}

/** Returns the URL of the next page as the provider writes it. */
function nextOf({ headers, body }: EmulatedResponse, { pages }: SheetStep): unknown {
  if (pages === undefined) return undefined
  if (typeof pages === 'object') return fieldOf(body, pages.next)
  return /<([^>]*)>(?=[^<]*;\s*rel="?next\b)/i.exec(headers?.link ?? '')?.[1]
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
}

function missing({ title }: EmulatedPerson, step: string): Answer {
  return json(501, {
    error: 'not_emulated',
    error_description: `The person "${title}" has no response for the step \`${step}\`.`,
  })
}

/** Returns a response whose link to the next page leads to the emulator. */
function answerOf(
  response: EmulatedResponse,
  step: SheetStep,
  { toEmulated }: EmulatedUrls,
): Answer {
  const { status = 200, headers = {}, body = '' } = response
  const next = nextOf(response, step)
  const moved = (text: string): string =>
    typeof next === 'string' ? text.replaceAll(next, () => toEmulated(next)) : text
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, moved(value)]),
  )
  if (typeof body !== 'string') {
    return { ...json(status, body, sent), body: moved(JSON.stringify(body)) }
  }
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...sent }, body }
}

/** Returns what the URL functions of later steps receive. */
function whatIsRead(
  pages: readonly EmulatedResponse[],
  { read, pages: paging }: SheetStep,
): unknown {
  const [first] = pages
  if (typeof read === 'object') return first?.headers?.[read.header] ?? ''
  if (read !== 'list') return first?.body
  const rowsOf = ({ body }: EmulatedResponse): unknown =>
    typeof paging === 'object' ? fieldOf(body, paging.rows) : body
  return { rows: pages.flatMap(rowsOf), complete: true }
}
