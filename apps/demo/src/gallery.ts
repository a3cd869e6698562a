import { setTimeout } from 'node:timers/promises'
import {
  appleMark,
  bitbucketMark,
  discordMark,
  type ErrorBody,
  type ErrorCode,
  errorSentence,
  githubMark,
  gitlabMark,
  googleMark,
  type IdentitiesBody,
  microsoftMark,
  type Provider,
  type ProvidersBody,
  type SessionBody,
  type SessionsBody,
  slackMark,
} from '@latchkey/contract'
import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  type GalleryData,
  galleryLanguages,
  galleryParts,
  galleryThemes,
  type Scenario,
  scenarios,
  sessionOf,
} from '../site/gallery/scenarios.ts'

/** Parses the query of the gallery's URL. */
export function galleryData(query: unknown): GalleryData {
  const parameters = query as Record<string, unknown>
  const choose = <T>(among: readonly T[], name: string): T =>
    among.find((one) => one === parameters[name]) ?? (among[0] as T)
  return {
    page: 'gallery',
    part: choose(galleryParts, 'part'),
    theme: choose(galleryThemes, 'theme'),
    language: choose(galleryLanguages, 'language'),
    bare: parameters.bare !== undefined,
    only: typeof parameters.only === 'string' ? parameters.only : undefined,
  }
}

/** How long a pending state is visible, in milliseconds. */
const LONG = 4_000

/**
 * Simulated servers, one for each state of a component. They respond like a real server, but from memory, and always
 * with the same data.
 */
export async function gallery(app: FastifyInstance): Promise<void> {
  // Ignore every request body.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null))

  for (const scenario of scenarios) {
    await app.register(async (server) => simulate(server, scenario), { prefix: `/${scenario}` })
  }
}

async function simulate(app: FastifyInstance, scenario: Scenario): Promise<void> {
  const fails = scenario === 'failing'
  const refuses = scenario === 'refusing'

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    if (scenario === 'silent' && request.method === 'GET')
      await setTimeout(LONG * 10, undefined, { ref: false })
    if (fails) return refuse(reply, 503, 'unavailable')
  })

  app.get('/session', async (): Promise<SessionBody> => {
    return sessionOf(scenario) ?? { user: null, session: null }
  })
  app.get('/providers', async () => providersOf(scenario))
  app.get('/sessions', async () => sessions)
  app.get('/identities', async () => identities)
  app.delete('/sessions/:id', async (_request, reply) => {
    return refuses ? refuse(reply, 503, 'unavailable') : reply.code(204).send()
  })
  for (const [method, url] of [
    ['DELETE', '/identities/:id'],
    ['DELETE', '/user'],
    ['PATCH', '/user'],
    ['POST', '/:provider/link'],
  ] as const) {
    app.route({
      method,
      url,
      handler: async (_request, reply) =>
        refuses ? refuse(reply, 403, 'reauth_required') : refuse(reply, 403, 'forbidden'),
    })
  }
  app.post('/sign-out', async (_request, reply) => {
    return refuses ? refuse(reply, 503, 'unavailable') : reply.code(204).send()
  })
  // A 204 keeps the browser on the page. The delay shows the pending state.
  for (const url of ['/:provider/start', '/sign-in', '/user/export']) {
    app.get(url, async (_request, reply) => {
      await setTimeout(LONG, undefined, { ref: false })
      return reply.code(204).send()
    })
  }
}

function refuse(reply: FastifyReply, status: number, code: ErrorCode): FastifyReply {
  const body: ErrorBody = { error: { code, message: errorSentence(code) } }
  return reply.code(status).send(body)
}

const bitbucket: Provider = {
  id: 'bitbucket',
  name: 'Bitbucket',
  mark: bitbucketMark,
  signIn: true,
  signUp: true,
  link: true,
}
const forge: Provider = {
  ...bitbucket,
  id: 'forge',
  name: 'Example Forge',
  mark: { viewBox: '0 0 24 24', paths: [{ d: 'M12 2 2 8v8l10 6 10-6V8zm0 4 6 4-6 4-6-4z' }] },
}
const company: Provider = {
  ...bitbucket,
  id: 'company',
  name: 'Test Company',
  signUp: false,
  mark: { viewBox: '0 0 24 24', paths: [{ d: 'M4 21V3h10v5h6v13zm4-4h2v-2H8zm0-5h2v-2H8z' }] },
}

const eight: Provider[] = [
  bitbucket,
  { ...bitbucket, id: 'github', name: 'GitHub', mark: githubMark },
  { ...bitbucket, id: 'gitlab', name: 'GitLab', mark: gitlabMark },
  { ...bitbucket, id: 'google', name: 'Google', mark: googleMark },
  { ...bitbucket, id: 'microsoft', name: 'Microsoft', mark: microsoftMark },
  { ...bitbucket, id: 'apple', name: 'Apple', mark: appleMark },
  { ...bitbucket, id: 'discord', name: 'Discord', mark: discordMark },
  { ...bitbucket, id: 'slack', name: 'Slack', mark: slackMark },
]

function providersOf(scenario: Scenario): ProvidersBody {
  if (scenario === 'closed') return { providers: [], lastUsed: null, account: [] }
  const several = ['several', 'everything', 'refusing'].includes(scenario)
  return {
    providers: scenario === 'eight' ? eight : several ? [bitbucket, forge, company] : [bitbucket],
    lastUsed: scenario === 'several' ? 'bitbucket' : null,
    account:
      scenario === 'everything' || scenario === 'refusing'
        ? ['profile', 'identities', 'sessions', 'export', 'delete']
        : ['sessions'],
  }
}

const at = (time: string): number => Date.parse(`2026-03-14T${time}Z`)

const device = {
  provider: 'bitbucket',
  createdAt: at('08:15'),
  authenticatedAt: at('08:15'),
  expiresAt: Date.parse('2036-03-14'),
}

const sessions: SessionsBody = {
  sessions: [
    { ...device, id: 'ada', device: 'Firefox on Linux', lastUsedAt: at('15:09'), current: true },
    { ...device, id: 'phone', device: 'Safari on iOS', lastUsedAt: at('12:40'), current: false },
    { ...device, id: 'other', device: null, lastUsedAt: at('09:02'), current: false },
  ],
}

const identities: IdentitiesBody = {
  identities: [
    {
      id: 'identity-1',
      provider: 'bitbucket',
      name: 'ada_test',
      email: 'ada@example.com',
      createdAt: at('08:15'),
      lastUsedAt: at('08:15'),
    },
    {
      id: 'identity-2',
      provider: 'forge',
      name: null,
      email: 'ada.test@example.org',
      createdAt: at('08:20'),
      lastUsedAt: at('08:20'),
    },
  ],
}
