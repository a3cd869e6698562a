import type { FastifyInstance } from 'fastify'

export interface NewDecision {
  readonly title: string
  readonly reason: string
}

export interface Decision extends NewDecision {
  readonly id: number
  /** Milliseconds since the Unix epoch. */
  readonly decidedAt: number
}

/** The decisions of all users, in memory. */
export interface DecisionBook {
  /** Returns a user's decisions, newest first. */
  of(userId: string): readonly Decision[]
  add(userId: string, decision: NewDecision): Decision
}

/** The number of decisions to keep per user. The oldest are dropped. */
const MOST = 100

export function createDecisionBook(): DecisionBook {
  const byUser = new Map<string, readonly Decision[]>()
  let lastId = 0

  return {
    of: (userId) => byUser.get(userId) ?? [],
    add(userId, { title, reason }) {
      const decision = { id: ++lastId, title, reason, decidedAt: Date.now() }
      byUser.set(userId, [decision, ...(byUser.get(userId) ?? [])].slice(0, MOST))
      return decision
    },
  }
}

/** The JSON schema of a new decision. Both fields must contain more than white space. */
export const newDecision = {
  type: 'object',
  required: ['title', 'reason'],
  properties: {
    title: { type: 'string', pattern: '\\S', maxLength: 120 },
    reason: { type: 'string', pattern: '\\S', maxLength: 500 },
  },
} as const

/** The protected API: signed-in users read and add their own decisions. */
export async function decisionsApi(
  app: FastifyInstance,
  { book }: { readonly book: DecisionBook },
): Promise<void> {
  app.addHook('onRequest', app.latchkey.guard())

  app.get('/', async ({ auth }) => book.of(auth.user.id))

  app.post<{ Body: NewDecision }>(
    '/',
    { schema: { body: newDecision } },
    async ({ auth, body }, reply) => reply.code(201).send(book.add(auth.user.id, body)),
  )
}
