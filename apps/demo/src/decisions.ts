import type { FastifyInstance } from 'fastify'

export interface Decision {
  readonly id: number
  readonly title: string
  readonly reason: string
  /** Milliseconds since the Unix epoch. */
  readonly decidedAt: number
}

/** A person's decisions, in memory: what the product is about, and what the guard protects. */
export async function decisions(app: FastifyInstance): Promise<void> {
  const byUser = new Map<string, Decision[]>()

  app.addHook('onRequest', app.latchkey.guard())

  app.get('/', async ({ auth }) => byUser.get(auth.user.id) ?? [])

  app.post<{ Body: Pick<Decision, 'title' | 'reason'> }>(
    '/',
    {
      schema: {
        body: {
          type: 'object',
          required: ['title', 'reason'],
          properties: {
            title: { type: 'string', minLength: 1, maxLength: 120 },
            reason: { type: 'string', minLength: 1, maxLength: 500 },
          },
        },
      },
    },
    async ({ auth, body }, reply) => {
      const mine = byUser.get(auth.user.id) ?? []
      const decision = { id: mine.length + 1, ...body, decidedAt: Date.now() }
      byUser.set(auth.user.id, [decision, ...mine].slice(0, 100))
      return reply.code(201).send(decision)
    },
  )
}
