import { FlowError } from '../http/errors.ts'
import type { ProviderAnswer } from './client/provider-http.ts'
import { type Ask, nextPage, type ReadyStep } from './client/run-steps.ts'
import type { Provider, Step } from './provider.ts'

/** A response of a provider's API, as its documentation shows it. */
export interface KnownResponse {
  /** Default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** JSON, or the text of a step that reads text. */
  readonly body?: unknown
}

/** The response of each step, by the step's name. An array has the pages of a list. */
export type KnownResponses = Readonly<Record<string, KnownResponse | readonly KnownResponse[]>>

/** Returns the pages of a response, of which a single response is the only one. */
export function pagesOf(response: KnownResponses[string] | undefined): readonly KnownResponse[] {
  return response === undefined ? [] : [response].flat()
}

interface Answering {
  readonly ask: Ask
  /** Returns which pages are missing, and which were not requested. */
  mistakes(): readonly string[]
}

/**
 * Answers each request with the response of the step with its URL. A later page is answered at the
 * URL to which the page above it links.
 */
export function answering(provider: Provider, responses: KnownResponses = {}): Answering {
  const unused = new Map(Object.entries(provider.steps))
  const linked = new Map<string, NextPage>()
  const mistakes = new Map<string, string>()
  for (const [name, response] of Object.entries(responses)) {
    for (const page of pagesOf(response).keys()) {
      const hint = 'Does the page above link to it, and does the sheet need it?'
      if (page > 0) mistakes.set(`${name} ${page}`, `${titleOf(name, page)} was not read. ${hint}`)
    }
  }

  function find(url: string): NextPage {
    const known = linked.get(url)
    linked.delete(url)
    if (known !== undefined) return known
    const entry = [...unused].find(([, { url: own }]) => typeof own !== 'string' || own === url)
    if (entry === undefined) throw new Error(`an unknown request: ${url}`)
    const [name, step] = entry
    unused.delete(name)
    return { name, step: { ...step, url }, page: 0 }
  }

  async function ask({ url }: { readonly url: string }): Promise<ProviderAnswer> {
    const { name, step, page } = find(url)
    const response = pagesOf(responses[name])[page]
    if (response === undefined) {
      const missing = page === 0 ? `the response of \`${name}\`` : titleOf(name, page)
      if (page > 0) mistakes.set(`${name} ${page}`, `${missing} is missing: ${url}`)
      throw new Error(`${missing} is missing`)
    }
    mistakes.delete(`${name} ${page}`)
    const answer = answerOf(response, step)
    const next = nextOf(step, response, answer)
    if (next !== null) linked.set(next, { name, step, page: page + 1 })
    return answer
  }
  return { ask, mistakes: () => [...mistakes.values()] }
}

/** A page that a request asks for. */
interface NextPage {
  readonly name: string
  readonly step: ReadyStep
  /** 0 for the first page. */
  readonly page: number
}

function titleOf(name: string, page: number): string {
  return `page ${page + 1} of \`${name}\``
}

/** Returns the URL of the next page, or `null` if there is none or if the sheet must not follow it. */
function nextOf(step: ReadyStep, { body }: KnownResponse, answer: ProviderAnswer): string | null {
  if (step.read !== 'list' || answer.status !== 200) return null
  try {
    return nextPage(step, body, answer)
  } catch {
    return null
  }
}

function answerOf(
  { status = 200, headers = {}, body }: KnownResponse,
  { read }: Step,
): ProviderAnswer {
  if (status >= 500) throw new FlowError('provider_unavailable', `answered ${status}`)
  const isText =
    typeof body === 'string' && (read === 'text' || status !== 200 || body.startsWith('<'))
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    text: isText ? body : (JSON.stringify(body) ?? ''),
  }
}
