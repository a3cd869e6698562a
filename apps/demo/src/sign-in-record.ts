import type { BitbucketEmulator, RecordedRequest } from '@latchkey/bitbucket-emulator'
import type { User } from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** One of a sign-in's requests, ready to display: long values are shortened, and secrets are omitted. */
export interface Step {
  readonly from: 'browser' | 'app'
  readonly to: 'app' | 'Bitbucket'
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

/** Records each sign-in, using hooks, events and the emulator's request log. */
export function recordSignIns(
  app: FastifyInstance,
  emulator: BitbucketEmulator | undefined,
): SignInRecords {
  const starts = new Map<string, { step: Step; cookies: SetCookie[] }>()
  const records = new Map<string, SignInRecord>()
  const profiles = new Map<string, Pick<SignInRecord, 'profile' | 'user'>>()

  app.latchkey.on('sign-in', ({ session, profile, user }) => {
    remember(profiles, session.id, { profile: profile.raw, user })
  })

  app.addHook('onSend', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    if (path === '/auth/bitbucket/start') {
      const location = String(reply.getHeader('location') ?? '')
      const state = URL.canParse(location) ? new URL(location).searchParams.get('state') : null
      if (state !== null) {
        const step = startStep(request, reply, location)
        remember(starts, state, { step, cookies: setCookies(reply) })
      }
    }
    if (path === '/auth/bitbucket/callback') {
      const { state, code } = request.query as { state?: string; code?: string }
      const sessionId = sessionIdOf(reply)
      const made = profiles.get(sessionId ?? '')
      if (state === undefined || code === undefined || sessionId === null || !made) return
      const start = starts.get(state)
      remember(records, sessionId, {
        ...made,
        cookies: [...(start?.cookies ?? []), ...setCookies(reply)],
        steps: [
          ...(start === undefined ? [] : [start.step]),
          ...consentStep(emulator?.requests ?? [], state),
          callbackStep(request, reply),
          ...apiSteps(emulator?.requests ?? [], code),
        ],
      })
    }
  })

  return { of: (sessionId) => records.get(sessionId) ?? null }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MOST && oldest !== undefined) map.delete(oldest)
}

function startStep(request: FastifyRequest, reply: FastifyReply, location: string): Step {
  const sent = new URL(location).searchParams
  return {
    from: 'browser',
    to: 'app',
    request: `GET ${request.url}`,
    status: reply.statusCode,
    why: 'The button is a link. The app seals a new flow into a cookie and redirects the browser to Bitbucket.',
    details: [...sent].map(([name, value]) => ({ name, value: shorten(value) })),
  }
}

function callbackStep(request: FastifyRequest, reply: FastifyReply): Step {
  return {
    from: 'browser',
    to: 'app',
    request: `GET ${request.url.split('?', 1)[0]}`,
    status: reply.statusCode,
    why: 'Bitbucket redirects the browser back. The app checks the state, uses up the flow, reads the profile from Bitbucket, and creates a session.',
    details: [
      ...Object.entries(request.query as Record<string, string>).map(([name, value]) => ({
        name,
        value: shorten(value),
      })),
      { name: 'redirects to', value: String(reply.getHeader('location')) },
    ],
  }
}

function consentStep(requests: readonly RecordedRequest[], state: string): Step[] {
  const ours = requests.filter(({ path, query, body }) => {
    const sent = [query.state].flat()[0] ?? (isForm(body) ? body.state : undefined)
    return path === '/site/oauth2/authorize' && sent === state
  })
  const why = {
    GET: 'Bitbucket shows its consent page. The app is not involved, and never sees a password.',
    POST: 'You agree, and Bitbucket redirects the browser to the app with a code.',
  }
  return ours.slice(-2).map((request) => ({
    from: 'browser',
    to: 'Bitbucket',
    request: `${request.method} ${request.path}`,
    status: request.status,
    why: request.method === 'POST' ? why.POST : why.GET,
    details: [],
  }))
}

/** Returns the app's requests during the callback: the code exchange, then the API calls with its token. */
function apiSteps(requests: readonly RecordedRequest[], code: string): Step[] {
  const exchange = requests.findIndex(({ body }) => isForm(body) && body.code === code)
  const token = requests[exchange]
  if (token === undefined) return []
  const calls = requests.slice(exchange + 1).filter(({ path }) => path.startsWith('/2.0/'))
  const bearer = calls[0]?.headers.authorization ?? ''
  return [
    {
      from: 'app',
      to: 'Bitbucket',
      request: `${token.method} ${token.path}`,
      status: token.status,
      why: 'The app exchanges the code, which works only once. The verifier proves that the app started the flow.',
      details: [
        { name: 'Authorization', value: 'Basic … (client id and secret)' },
        ...Object.entries(isForm(token.body) ? token.body : {}).map(([name, value]) => ({
          name,
          value: shorten(String(value)),
        })),
      ],
    },
    ...calls
      .filter(({ headers }) => headers.authorization === bearer)
      .map((call): Step => {
        const { length } = bearer.replace('Bearer ', '')
        return {
          from: 'app',
          to: 'Bitbucket',
          request: `${call.method} ${call.path}`,
          status: call.status,
          why: call.path.endsWith('/emails')
            ? 'The app only uses an address that is primary and confirmed.'
            : 'The uuid identifies the account, never the name or the e-mail address.',
          details: [
            { name: 'Authorization', value: `Bearer … (${length} characters, not stored)` },
          ],
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

function shorten(value: string): string {
  return value.length <= 64 ? value : `${value.slice(0, 32)}… (${value.length} characters)`
}

function isForm(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null
}
