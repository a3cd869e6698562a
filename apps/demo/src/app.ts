import latchkey, { type LatchkeyOptions, type Provider } from '@latchkey/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { createDecisionBook, decisionsApi } from './decisions.ts'
import type { Emulators } from './emulators.ts'
import { pages } from './pages.ts'
import { recordSignIns } from './sign-in-record.ts'

export interface DemoOptions extends Pick<LatchkeyOptions, 'store'> {
  readonly origin: string
  readonly providers: readonly Provider[]
  /** The emulators whose requests are shown on the "What just happened" page. */
  readonly emulators?: Emulators
  /** Whether to serve the output of `pnpm build` instead of compiling pages on request. */
  readonly built?: boolean
}

/** Builds the demo, ready to listen. */
export async function buildApp(options: DemoOptions): Promise<FastifyInstance> {
  const { origin, providers, store, emulators = {}, built = false } = options
  // Browsers keep connections open. Ctrl-C must not wait for them.
  const app = Fastify({ forceCloseConnections: true })
  await app.register(latchkey, { origin, providers, store })
  const records = recordSignIns(app, providers, emulators)
  const book = createDecisionBook()
  // Use a separate context, because Latchkey sets the headers for its own routes.
  await app.register(async (product) => {
    protectAnswers(product)
    await product.register(decisionsApi, { prefix: '/api/decisions', book })
    await product.register(pages, { built, records, book, providers })
  })
  return app
}

/** Sets security headers: no sniffing, no framing. Pages override the policy. */
function protectAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
  })
}
