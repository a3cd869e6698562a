import { FlowError } from '../../http/errors.ts'
import { isRequestUrl } from '../check-steps.ts'
import { isObject, type List, type Provider, type Row, type Step } from '../provider.ts'
import { type Deadline, withinHalf } from './deadline.ts'
import { jsonOf, type ProviderAnswer, type ProviderRequest, titleOf } from './provider-http.ts'

/** Sends a request of a step, with the person's access token. */
export type Ask = (
  request: ProviderRequest,
  deadline: Pick<Deadline, 'remaining'>,
) => Promise<ProviderAnswer>

/** What the steps of a provider returned. */
export interface StepAnswers {
  /** The answers by step. A failed optional step has `undefined`, or an incomplete list. */
  readonly answers: Readonly<Record<string, unknown>>
  /** Sentences for the log about optional steps that failed. */
  readonly warnings: readonly string[]
}

/** A longer list counts as incomplete. No real account has this many pages. */
const MAX_PAGES = 20

/**
 * Sends the requests of a sheet. Steps with a fixed URL are concurrent.
 * @throws FlowError if a step fails that is not optional
 */
export async function runSteps(
  provider: Provider,
  ask: Ask,
  deadline: Deadline,
): Promise<StepAnswers> {
  const warnings: string[] = []
  const started: Record<string, Promise<unknown>> = {}
  for (const [name, step] of Object.entries(provider.steps)) {
    const url = urlOf(provider, name, step, { ...started })
    const answer = run(provider, step, url, ask, deadline, warnings)
    // Another step may reject first. Node would report this one as an unhandled rejection and exit.
    answer.catch(() => undefined)
    started[name] = answer
  }
  return { answers: await settled(started), warnings }
}

async function settled(
  answers: Readonly<Record<string, Promise<unknown>>>,
): Promise<Record<string, unknown>> {
  const names = Object.keys(answers)
  const values = await Promise.all(Object.values(answers))
  return Object.fromEntries(names.map((name, index) => [name, values[index]]))
}

/** Returns the URL of a step. One that is built from answers stays on the provider's own hosts. */
async function urlOf(
  provider: Provider,
  name: string,
  { url }: Step,
  above: Readonly<Record<string, Promise<unknown>>>,
): Promise<string> {
  if (typeof url === 'string') return url
  const built = url(await settled(above))
  if (isRequestUrl(built) && hostsOf(provider).has(new URL(built).origin)) return built
  throw new FlowError(
    'provider_bad_answer',
    `\`steps.${name}.url\` returned a URL that is not on the origin of one of the sheet's fixed URLs`,
  )
}

function hostsOf({ authorize, token, openid, steps }: Provider): ReadonlySet<string> {
  const urls = [authorize, token, openid?.metadata ?? openid?.issuer]
  for (const { url } of Object.values(steps)) if (typeof url === 'string') urls.push(url)
  return new Set(urls.flatMap((url) => (url === undefined ? [] : new URL(url).origin)))
}

/** A step whose URL is known. */
export type ReadyStep = Step & { readonly url: string }

async function run(
  provider: Provider,
  step: Step,
  url: Promise<string>,
  ask: Ask,
  deadline: Deadline,
  warnings: string[],
): Promise<unknown> {
  const { optional } = step
  if (optional === undefined) {
    const ready = { ...step, url: await url }
    const answer = await deadline.cut(readStep(ready, ask, deadline))
    return answer.value
  }
  const partial: Partial = { rows: [] }
  try {
    const ready = { ...step, url: await url }
    const { value, lack } = await deadline.cut(
      withinHalf(deadline, (half) => readStep(ready, ask, half, partial)),
    )
    if (lack !== undefined) warnings.push(warningOf(provider, optional, lack, step.fix?.other))
    return value
  } catch (error) {
    // Only the messages of our own errors are free of secrets.
    const { reason, fix } =
      error instanceof StepFailure ? error : { reason: messageOf(error), fix: step.fix?.other }
    warnings.push(warningOf(provider, optional, reason, fix))
    return step.read === 'list'
      ? ({ rows: partial.rows, complete: false } satisfies List)
      : undefined
  }
}

function warningOf({ name }: Provider, what: string, reason: string, fix = ''): string {
  return `${name} did not return the person's ${what} (${reason}). The person can sign in, and stored data is kept. ${fix}`.trimEnd()
}

function messageOf(error: unknown): string {
  return error instanceof FlowError ? error.message : 'a function of the step threw an error'
}

/** A refused step. */
class StepFailure extends FlowError {
  readonly reason: string
  readonly fix: string | undefined

  constructor(step: Step, status: number, reason: string) {
    const fix = step.fix?.[status] ?? step.fix?.other
    const isRefusal = status === 401 || status === 403
    const code = step.refused?.[status] ?? (isRefusal ? 'provider_refused' : 'provider_bad_answer')
    super(code, fix === undefined ? reason : `${reason}. ${fix}`)
    this.reason = reason
    this.fix = fix
  }
}

interface Partial {
  /** The rows so far, of a list that fails on a later page. */
  rows: readonly Row[]
}

interface Answer {
  readonly value: unknown
  /** Why a list is incomplete. */
  readonly lack?: string
}

async function readStep(
  step: ReadyStep,
  ask: Ask,
  deadline: Pick<Deadline, 'remaining'>,
  partial: Partial = { rows: [] },
): Promise<Answer> {
  if (step.read === 'list') return readList(step, ask, deadline, partial)
  const { read = 'object' } = step
  const request = requestOf(step, step.url)
  const answer = await ask(request, deadline)
  if (answer.status !== 200) throw unwanted(step, answer.status)
  if (read === 'text') return { value: answer.text }
  if (typeof read === 'object') {
    const header = answer.headers[read.header.toLowerCase()]
    return { value: typeof header === 'string' ? header : '' }
  }
  const value = jsonOf(request, answer)
  if (!isObject(value)) throw unwanted(step, answer.status)
  return { value }
}

function requestOf({ method = 'GET', headers, body }: Step, url: string): ProviderRequest {
  if (body === undefined) return { method, url, ...(headers !== undefined && { headers }) }
  const json = { 'content-type': 'application/json', ...headers }
  return { method, url, headers: json, body: JSON.stringify(body) }
}

function unwanted(step: ReadyStep, status: number): StepFailure {
  const nouns = { list: 'a list', text: 'text', object: 'an object' }
  const { read = 'object' } = step
  const noun = typeof read === 'object' ? 'the header' : nouns[read]
  return new StepFailure(
    step,
    status,
    `${titleOf(titled(step))} answered ${status} without ${noun}`,
  )
}

function titled({ method = 'GET', url }: ReadyStep): Pick<ProviderRequest, 'method' | 'url'> {
  return { method, url }
}

type ListStep = Extract<ReadyStep, { readonly read: 'list' }>

async function readList(
  step: ListStep,
  ask: Ask,
  deadline: Pick<Deadline, 'remaining'>,
  partial: Partial,
): Promise<Answer> {
  let url: string | null = step.url
  for (let page = 0; url !== null && page < MAX_PAGES; page++) {
    const request = requestOf(step, url)
    const answer = await ask(request, deadline)
    if (answer.status !== 200) throw unwanted(step, answer.status)
    const body = jsonOf(request, answer)
    const values = rowsOf(step, body)
    if (values === null) throw unwanted(step, answer.status)
    const rows = values.filter(isObject)
    partial.rows = [...partial.rows, ...rows]
    if (rows.length < values.length || !rows.every((row) => step.isRow?.(row) ?? true)) {
      return incompleteList(
        partial,
        `${titleOf(titled(step))} returned a row without all its fields`,
      )
    }
    const isFound = rows.some((row) => step.isEnough?.(row) ?? false)
    url = isFound ? null : nextPage(step, body, answer)
  }
  if (url !== null)
    return incompleteList(partial, `${titleOf(titled(step))} has over ${MAX_PAGES} pages`)
  return { value: { rows: partial.rows, complete: true } satisfies List }
}

function incompleteList({ rows }: Partial, lack: string): Answer {
  return { value: { rows, complete: false } satisfies List, lack }
}

function rowsOf({ pages }: ListStep, body: unknown): readonly unknown[] | null {
  if (typeof pages !== 'object') return Array.isArray(body) ? body : null
  const rows = isObject(body) ? body[pages.rows] : null
  return Array.isArray(rows) ? rows : null
}

/**
 * Returns the URL of the next page. The request carries the person's token, and its path may be
 * logged, so only links within the same list are followed.
 */
export function nextPage(
  step: ListStep,
  body: unknown,
  { headers }: ProviderAnswer,
): string | null {
  const { pages } = step
  if (pages === undefined) return null
  const next =
    pages === 'link' ? linkToNext(headers.link) : isObject(body) ? body[pages.next] : null
  if (next === undefined || next === null) return null
  const [list] = step.url.split('?', 1) as [string]
  if (typeof next === 'string' && next.startsWith(list) && /^\/?\?/.test(next.slice(list.length))) {
    return next
  }
  throw new FlowError(
    'provider_bad_answer',
    `${titleOf(titled(step))} links to a next page outside the list`,
  )
}

/** Returns the target of `rel="next"` (https://www.rfc-editor.org/rfc/rfc8288#section-3). */
function linkToNext(header: string | string[] | undefined): string | null {
  const links = [header ?? []].flat().join(', ')
  return /<([^>]*)>(?=[^<]*;\s*rel="?next\b)/i.exec(links)?.[1] ?? null
}
