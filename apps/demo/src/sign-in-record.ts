import type { User } from '@latchkey/contract'
import type { Provider } from '@latchkey/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type EmulatorRequest, type Emulators, requestsTo } from './emulators.ts'

/** One of a sign-in's requests, ready to display: long values are shortened, and secrets are omitted. */
export interface Step {
  readonly from: 'browser' | 'app'
  /** `app`, or the provider's name. */
  readonly to: string
  readonly request: string
  readonly status: number | null
  /** The purpose of the request, in a sentence or two. */
  readonly why: string
  readonly details: readonly { readonly name: string; readonly value: string }[]
}

export interface SetCookie {
  readonly name: string
  readonly value: string
  readonly attributes: string
}

/** The data of one sign-in for the page "What just happened". */
export interface SignInRecord {
  /** The provider's name. */
  readonly provider: string
  readonly steps: readonly Step[]
  readonly cookies: readonly SetCookie[]
  /** The provider's unmodified responses, by path. */
  readonly profile: Readonly<Record<string, unknown>>
  readonly user: User
}

export interface SignInRecords {
  /** Returns the record of the sign-in that created a session, if it is one of the hundred most recent. */
  of(sessionId: string): SignInRecord | null
}

const MOST = 100

/** Records each sign-in, using hooks, events and the emulators' request logs. */
export function recordSignIns(
  app: FastifyInstance,
  providers: readonly Provider[],
  emulators: Emulators,
): SignInRecords {
  const starts = new Map<string, { step: Step; cookies: SetCookie[] }>()
  const records = new Map<string, SignInRecord>()
  const profiles = new Map<string, Pick<SignInRecord, 'profile' | 'user'>>()

  app.latchkey.on('sign-in', ({ session, profile, user }) => {
    remember(profiles, session.id, { profile: profile.raw, user })
  })

  app.addHook('onSend', async (request, reply) => {
    const [, id, route] = /^\/auth\/([^/?]+)\/(start|callback)/.exec(request.url) ?? []
    const provider = providers.find((one) => one.id === id)
    if (provider === undefined) return
    if (route === 'start') {
      const location = String(reply.getHeader('location') ?? '')
      const state = URL.canParse(location) ? new URL(location).searchParams.get('state') : null
      if (state !== null) {
        const step = startStep(request, reply, location, provider)
        remember(starts, state, { step, cookies: setCookies(reply) })
      }
      return
    }
    const { state, code } = request.query as { state?: string; code?: string }
    const sessionId = sessionIdOf(reply)
    const made = profiles.get(sessionId ?? '')
    if (state === undefined || code === undefined || sessionId === null || !made) return
    const start = starts.get(state)
    const requests = requestsTo(provider.id, emulators)
    remember(records, sessionId, {
      ...made,
      provider: provider.name,
      cookies: [...(start?.cookies ?? []), ...setCookies(reply)],
      steps: [
        ...(start === undefined ? [] : [start.step]),
        ...consentStep(requests, state, provider),
        callbackStep(request, reply, provider),
        ...apiSteps(requests, code, provider),
      ],
    })
  })

  return { of: (sessionId) => records.get(sessionId) ?? null }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MOST && oldest !== undefined) map.delete(oldest)
}

function startStep(
  request: FastifyRequest,
  reply: FastifyReply,
  location: string,
  { name }: Provider,
): Step {
  const sent = new URL(location).searchParams
  return {
    from: 'browser',
    to: 'app',
    request: `GET ${request.url}`,
    status: reply.statusCode,
    why: `The button is a link. The app seals a new flow into a cookie and redirects the browser to ${name}.`,
    details: [...sent].map(shown),
  }
}

function callbackStep(request: FastifyRequest, reply: FastifyReply, { name }: Provider): Step {
  return {
    from: 'browser',
    to: 'app',
    request: `GET ${request.url.split('?', 1)[0]}`,
    status: reply.statusCode,
    why: `${name} redirects the browser back. The app checks the state, uses up the flow, reads the profile from ${name}, and creates a session.`,
    details: [
      ...Object.entries(request.query as Record<string, string>).map(shown),
      { name: 'redirects to', value: String(reply.getHeader('location')) },
    ],
  }
}

function consentStep(
  requests: readonly EmulatorRequest[],
  state: string,
  { name }: Provider,
): Step[] {
  const ours = requests.filter(({ query, form }) => state === (query.state ?? form.state))
  const why = {
    GET: `${name} shows its consent page. The app is not involved, and never sees a password.`,
    POST: `You agree, and ${name} redirects the browser to the app with a code.`,
  }
  return ours.slice(-2).map(({ method, path, status }) => ({
    from: 'browser',
    to: name,
    request: `${method} ${path}`,
    status,
    why: method === 'POST' ? why.POST : why.GET,
    details: [],
  }))
}

/** Returns the app's requests during the callback: the code exchange, then the API calls with its token. */
function apiSteps(
  requests: readonly EmulatorRequest[],
  code: string,
  { id, name }: Provider,
): Step[] {
  const exchange = requests.findIndex(({ form }) => form.code === code)
  const token = requests[exchange]
  if (token === undefined) return []
  const later = requests.slice(exchange + 1)
  const bearer = later.find(({ authorization }) => authorization.startsWith('Bearer '))
  const calls = later.filter(
    ({ authorization }) => bearer !== undefined && authorization === bearer.authorization,
  )
  return [
    {
      from: 'app',
      to: name,
      request: `${token.method} ${token.path}`,
      status: token.status,
      why: 'The app exchanges the code, which works only once. The verifier proves that the app started the flow.',
      details: [
        ...(token.authorization === ''
          ? []
          : [{ name: 'Authorization', value: 'Basic … (client id and secret)' }]),
        ...Object.entries(token.form).map(shown),
      ],
    },
    ...calls.map(({ method, path, status, authorization }): Step => {
      const { length } = authorization.replace('Bearer ', '')
      const subject = id === 'bitbucket' ? 'The uuid' : 'A permanent id'
      return {
        from: 'app',
        to: name,
        request: `${method} ${path}`,
        status,
        why: path.endsWith('/emails')
          ? `The app only uses a primary address that ${name} has verified.`
          : `${subject} identifies the account, never the name or the e-mail address.`,
        details: [{ name: 'Authorization', value: `Bearer … (${length} characters, not stored)` }],
      }
    }),
  ]
}

function setCookies(reply: FastifyReply): SetCookie[] {
  const headers = [reply.getHeader('set-cookie') ?? []].flat().map(String)
  return headers.map((header) => {
    const [pair = '', ...attributes] = header.split('; ')
    const [name = '', value = ''] = pair.split('=')
    const [id, secret] = value.split('.')
    const sealed = /-flow-/.test(name) ? `sealed, ${value.length} characters` : value
    const shown = secret === undefined ? sealed : `${id}.… (secret, stored only as a hash)`
    return { name, value: value === '' ? '(cleared)' : shown, attributes: attributes.join('; ') }
  })
}

/** Returns the session id from the cookie `id.secret`. Other cookies have a suffix after the port. */
function sessionIdOf(reply: FastifyReply): string | null {
  for (const header of [reply.getHeader('set-cookie') ?? []].flat()) {
    const id = /^(?:__Host-latchkey|latchkey-\d+)=([\w-]+)\./.exec(String(header))?.[1]
    if (id !== undefined) return id
  }
  return null
}

/** Returns a parameter as it is shown: without a secret, and with a long value shortened. */
function shown([name, value]: readonly [string, string]): Step['details'][number] {
  if (name === 'client_secret') return { name, value: '… (client secret)' }
  if (value.length <= 64) return { name, value }
  return { name, value: `${value.slice(0, 32)}… (${value.length} characters)` }
}
