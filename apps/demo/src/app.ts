import type { BitbucketEmulator } from '@latchkey/bitbucket-emulator'
import latchkey, { type LatchkeyOptions } from '@latchkey/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { createDecisionBook, decisionsApi } from './decisions.ts'
import { pages } from './pages.ts'
import { recordSignIns } from './sign-in-record.ts'

export interface DemoOptions extends Pick<LatchkeyOptions, 'providers' | 'store'> {
  readonly origin: string
  /** Whose requests the page "What just happened" shows; the real Bitbucket keeps its own to itself. */
  readonly emulator?: BitbucketEmulator | undefined
  /** Serves what `pnpm build` made, rather than compiling as it goes. */
  readonly built?: boolean
}

/** The demo, ready to listen. */
export async function buildApp(options: DemoOptions): Promise<FastifyInstance> {
  const { origin, providers, store, emulator, built = false } = options
  // Browsers keep connections open, and Ctrl-C must not wait for them.
  const app = Fastify({ forceCloseConnections: true })
  await app.register(latchkey, { origin, providers, store })
  const records = recordSignIns(app, emulator)
  const book = createDecisionBook()
  // A context of the product's own: Latchkey sees to its routes itself.
  await app.register(async (product) => {
    protectAnswers(product)
    await product.register(decisionsApi, { prefix: '/api/decisions', book })
    await product.register(pages, { built, records, book })
  })
  return app
}

/** No answer is more than its type says, or stands in a frame; a page has a policy of its own. */
function protectAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
  })
}
