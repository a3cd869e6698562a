import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import latchkey, { bitbucket } from './index.ts'
import { sqlite } from './store/sqlite.ts'
import { SECRET, setUpEmulator } from './testing/app.ts'

const emulator = setUpEmulator()

async function register(app: FastifyInstance, names: readonly string[]): Promise<void> {
  onTestFinished(() => app.close())
  for (const name of names) {
    if (name === 'swagger') {
      const info = { title: 'The application', version: '1.0.0' }
      await app.register(swagger, { openapi: { openapi: '3.0.3', info } })
      continue
    }
    await app.register(latchkey, {
      origin: 'http://localhost:3000',
      secret: SECRET,
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      store: sqlite(':memory:'),
    })
  }
  const response = { 200: { type: 'object', properties: { name: { type: 'string' } } } }
  app.get(
    '/api/me',
    { onRequest: app.latchkey.guard(), schema: { response } },
    async (request) => ({
      name: request.auth.user.name,
    }),
  )
  await app.ready()
}

it.each([[['swagger', 'latchkey']], [['latchkey', 'swagger']]])(
  'does not appear in the application’s OpenAPI document, registered in the order %j',
  async (names) => {
    const app = Fastify({ exposeHeadRoutes: true })
    await register(app, names)
    const document = app.swagger()
    expect(Object.keys(document.paths ?? {})).toEqual(['/api/me'])
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
    expect([valid, errors]).toEqual([true, undefined])
    expect((await app.inject('/auth/session')).json()).toEqual({ user: null, session: null })
    expect((await app.inject('/auth/unknown')).statusCode).toBe(404)
  },
)

it('shows its routes in app.printRoutes()', async () => {
  const app = Fastify()
  await register(app, ['latchkey'])
  const printed = app.printRoutes({ commonPrefix: false, includeHooks: true })
  for (const path of ['auth/session (GET', 'auth/bitbucket/start (GET', 'auth/sign-out (POST']) {
    expect(printed).toContain(path)
  }
})
