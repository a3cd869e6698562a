// From the network to the doubles. This room promises: every request is logged, and a web page cannot reach the
// emulator through DNS rebinding.

import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Answer,
  isLoopbackHost,
  json,
  type RequestLog,
  readBody,
  readForm,
} from '@latchkey/bitbucket-emulator/building-blocks'
import { answerStep } from './api.ts'
import type { Consent } from './consents.ts'
import type { Double } from './double.ts'
import { decide, showConsent } from './oauth/authorize.ts'
import { describe } from './oauth/discovery.ts'
import { exchange, type TokenService } from './oauth/token.ts'
import { generalPages } from './pages.ts'

/** The dependencies of request handling. */
export interface Backstage extends TokenService {
  readonly url: string
  readonly doubles: ReadonlyMap<string, Double>
  readonly log: RequestLog
}

/** A request to a double. */
interface Received {
  readonly method: string
  /** The URL at the provider, without the query. */
  readonly endpoint: string
  /** The URL at the provider. */
  readonly url: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams | null
}

/** Handles a request from arrival to response. */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  backstage: Backstage,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const [path = '', ...search] = url.split('?')
  const query = new URLSearchParams(search.join('?'))
  const at = backstage.now()
  const record = backstage.log.add({ method, path, query: Object.fromEntries(query), headers, at })
  function answer({ status, headers: added, body }: Answer): void {
    record.status = status
    response.writeHead(status, added).end(body)
  }

  if (!isLoopbackHost(headers.host)) return answer(wrongHost)
  const body = await readBody(request)
  if (body === 'client left') return
  if (body === 'too large') {
    return answer(
      generalPages.message(413, 'Request too large', 'A request body can have at most 64 kB.'),
    )
  }
  const form = readForm(headers, body.text)
  record.body = form === null ? body.text : Object.fromEntries(form)
  const double = backstage.doubles.get(path.split('/')[1] ?? '')
  if (double === undefined) return answer(noProvider(backstage))
  const { toReal } = double.urls
  const received = {
    method,
    endpoint: toReal(backstage.url + path),
    url: toReal(backstage.url + url),
    query,
    headers,
    form,
  }
  answer(await play(double, received, backstage))
}

/** Plays one endpoint of a provider. */
async function play(double: Double, received: Received, backstage: Backstage): Promise<Answer> {
  const { method, endpoint, query, headers, form, url } = received
  const { authorize, token, openid } = double.endpoints
  if (endpoint === authorize) {
    return form === null ? showConsent(double, query) : decide(double, form, backstage.codes)
  }
  if (endpoint === token) {
    return exchange(double, headers, form ?? new URLSearchParams(), backstage)
  }
  if (endpoint === openid?.metadata) return describe(double)
  if (endpoint === openid?.keys) return json(200, { keys: [backstage.key.jwk] })
  const consent = findConsent(double, headers.authorization, backstage)
  if (consent === null) return json(401, { error: 'invalid_token' })
  if (endpoint === openid?.userInfo) return json(200, consent.person.claims ?? {})
  return answerStep(consent, method, url)
}

function findConsent(
  double: Double,
  authorization: string | undefined,
  { tokens }: Backstage,
): Consent | null {
  const [, token = ''] = /^bearer (.*)$/i.exec(authorization ?? '') ?? []
  const consent = tokens.find(token)
  return consent?.double === double ? consent : null
}

function noProvider({ doubles }: Backstage): Answer {
  const ids = [...doubles.keys()].join(', ')
  return generalPages.message(
    404,
    'Page not found',
    `This emulator has these providers: ${ids || 'none yet'}.`,
  )
}

const wrongHost = generalPages.message(
  421,
  'Wrong host',
  'The emulator only responds to 127.0.0.1, localhost and [::1]. Use one of these names.',
)
