import { routes, type User } from '@latchkey/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { askStore, sendError, sendJson } from '../http/errors.ts'
import { refuseOtherSites } from '../http/own-requests.ts'
import { publicUser } from '../sessions/auth.ts'
import type { Sessions } from '../sessions/session.ts'
import type { Settings } from '../settings.ts'
import { changesIn } from './edited-name.ts'

export interface AccountRoutesOptions {
  readonly settings: Settings
  readonly sessions: Sessions
}

/** Registers the routes that return and change the user's own account. */
export async function accountRoutes(
  app: FastifyInstance,
  options: AccountRoutesOptions,
): Promise<void> {
  app.get(routes.user, { exposeHeadRoute: false }, async (request, reply) => {
    const auth = await options.sessions.readStored(request)
    return auth === null ? sendError(reply, 'unauthenticated') : sendJson(reply, auth.user)
  })
  app.patch(
    routes.user,
    { onRequest: refuseOtherSites(options.settings) },
    async (request, reply) => changeUser(options, request, reply),
  )
}

async function changeUser(
  { settings: { store }, sessions }: AccountRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const auth = await sessions.readStored(request)
  if (auth === null) return sendError(reply, 'unauthenticated')
  const changes = changesIn(request.body)
  if (changes === null) return sendError(reply, 'invalid_request')
  const user = await askStore(request.log, () =>
    store.transaction('power-loss', async (queries) => {
      // The session may have ended since it was read.
      const found = await queries.findSession(auth.session.id)
      if (found === null || found.user.bannedAt !== null) return null
      const isNameEdited = found.user.isNameEdited || changes.name !== undefined
      const changed = { ...found.user, ...changes, isNameEdited }
      await queries.updateUser(changed)
      return changed
    }),
  )
  if (user === null) return sendError(reply, 'unauthenticated')
  request.log.info({ event: 'profile-changed', userId: user.id }, 'profile changed')
  return sendJson(reply, publicUser(user) satisfies User)
}
