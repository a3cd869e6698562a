// Between the network and the routes. This room promises: every request is logged, whatever becomes of it; an
// answer can be planned for every route; and a web page cannot reach the emulator under a name of its own.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, readBody, readForm } from '../http/http.ts'
import { message } from '../pages/page.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import { choose, hold, type PlannedAnswer, type Plans, send } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import { findRoute, noRoute } from './routes.ts'

export interface Backstage {
  readonly bitbucket: Bitbucket
  readonly plans: Plans
  readonly log: RequestLog
  readonly now: () => number
  /** Cuts the connections whose answers are held back. */
  readonly signal: AbortSignal
}

/** One request, from its arrival to its answer. */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bitbucket, plans, log, now, signal }: Backstage,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const [path = '', ...search] = url.split('?')
  const query = new URLSearchParams(search.join('?'))
  const record = log.add({ method, path, query: Object.fromEntries(query), headers, at: now() })

  async function answer(given: Answer, plan: PlannedAnswer = {}): Promise<void> {
    record.status = given.status
    await send(given, response, plan.fault)
  }

  if (!isLoopbackHost(headers.host)) return answer(wrongHost)
  const body = await readBody(request)
  if (body === 'client left') return
  if (body === 'too large') return answer(message(413, 'Too large', 'The limit is 64 kB.'))
  const form = readForm(headers, body.text)
  record.body = form ? Object.fromEntries(form) : body.text

  const found = findRoute(method, path)
  if (!('handle' in found)) return answer(noRoute(path, found.allowed))
  const plan = plans.take(found.route)
  try {
    await hold(plan, signal)
  } catch {
    response.destroy()
    return
  }
  // Somebody who has left meanwhile uses up no code.
  if (response.destroyed) return
  const { handle, parameters } = found
  const origin = `http://${headers.host}`
  const usual = (): Answer => handle({ origin, path, query, headers, form, parameters }, bitbucket)
  await answer(choose(plan, `${origin}${url}`, usual), plan)
}

// A page of another site can point a name of its own at 127.0.0.1 and then read whatever is served
// there (DNS rebinding). Its requests carry that name.
function isLoopbackHost(host = ''): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host)
}

const wrongHost = message(
  421,
  'Not this host',
  'The emulator answers to 127.0.0.1, localhost and [::1] only.',
)
