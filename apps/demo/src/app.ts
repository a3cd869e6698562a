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
  const app = Fastify()
  await app.register(latchkey, { origin, providers, store })
  const records = recordSignIns(app, emulator)
  const book = createDecisionBook()
  await app.register(decisionsApi, { prefix: '/api/decisions', book })
  await app.register(pages, { built, records, book, origin })
  return app
}
