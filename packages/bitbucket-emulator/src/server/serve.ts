// The layer between the network and the routes. This room promises: every request is logged, whatever its outcome; a
// response can be planned for every route; and a web page cannot reach the emulator through DNS rebinding.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, readBody, readForm } from '../http/http.ts'
import { message } from '../pages/page.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import { choose, hold, type PlannedAnswer, type Plans, send } from './faults.ts'
import { isLoopbackHost } from './loopback-host.ts'
import type { RequestLog } from './request-log.ts'
import { findRoute, noRoute } from './routes.ts'

/** The dependencies of request handling. */
export interface Backstage {
  readonly bitbucket: Bitbucket
  readonly plans: Plans
  readonly log: RequestLog
  readonly now: () => number
  /** Closes the connections that wait for a delayed response. */
  readonly signal: AbortSignal
}

/** Handles a request from arrival to response. */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bitbucket, plans, log, now, signal }: Backstage,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const [path = '', ...search] = url.split('?')
  const query = new URLSearchParams(search.join('?'))
  const record = log.add({ method, path, query: Object.fromEntries(query), headers, at: now() })

  async function answer(result: Answer, plan: PlannedAnswer = {}): Promise<void> {
    record.status = result.status
    await send(result, response, plan.fault)
  }

  if (!isLoopbackHost(headers.host)) return answer(wrongHost)
  const body = await readBody(request)
  if (body === 'client left') return
  if (body === 'too large')
    return answer(message(413, 'Request too large', 'A request body can have at most 64 kB.'))
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
  // A client that disconnected in the meantime must not use up a code.
  if (response.destroyed) return
  const { handle, parameters } = found
  const origin = `http://${headers.host}`
  const usual = (): Answer => handle({ origin, path, query, headers, form, parameters }, bitbucket)
  await answer(choose(plan, `${origin}${url}`, usual), plan)
}

const wrongHost = message(
  421,
  'Wrong host',
  'The emulator only responds to 127.0.0.1, localhost and [::1]. Use one of these names.',
)
