import { paths } from '@latchkey/contract'
import type { FastifyReply } from 'fastify'
import type { Flows } from './flow.ts'
import type { Visit } from './visit.ts'

/** The parameters of a callback that the GET reads. */
const PARAMETERS = ['code', 'state', 'iss', 'error']

/**
 * Accepts the form in which a provider posts its answer
 * (https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html), and redirects to the GET.
 * It reads no cookie: browsers send none with a form from another site, because of `SameSite=Lax`.
 * They do send them with the GET.
 */
export function acceptForm(
  { posted, settings }: Flows,
  { request, reply, client }: Visit,
): FastifyReply {
  const form = request.body as Readonly<Record<string, unknown>>
  const { provider } = client
  posted.keep(reply, form, provider)
  const query = new URLSearchParams()
  for (const name of PARAMETERS) {
    const value = form[name]
    if (typeof value === 'string' && value !== '') query.set(name, value)
  }
  return reply.redirect(`${paths(settings.basePath).callback(provider.id)}?${query}`, 303)
}
