import { type ProvidersBody, routes } from '@latchkey/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readCookie } from '../http/cookies.ts'
import { sendJson } from '../http/errors.ts'
import { withQuery, withReturnTo } from '../http/return-to.ts'
import { connectProvider, type ProviderClient } from '../providers/client/provider-client.ts'
import type { Sessions } from '../sessions/session.ts'
import type { LatchkeyEventSource, Settings } from '../settings.ts'
import { redirectToOrigin } from './at-origin.ts'
import { knownCode } from './auth-error.ts'
import { createFlows, type Flows, finish, start } from './flow.ts'
import { type FlowTargets, popupId } from './flow-targets.ts'
import { acceptForm } from './form-callback.ts'
import { POPUP_PAGE_CSP, popupPage } from './popup-page.ts'
import type { Refusals } from './refusals.ts'
import { SIGN_IN_PAGE_CSP, signInPage } from './sign-in-page.ts'

export interface SignInRoutesOptions {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly events: LatchkeyEventSource
  readonly targets: FlowTargets
  readonly refusals: Refusals
}

/** Registers the routes of a sign-in, in the order in which they are used. */
export async function signInRoutes(
  app: FastifyInstance,
  options: SignInRoutesOptions,
): Promise<void> {
  if (options.settings.hostsSignInPage) serveSignInPage(app, options)
  else redirectToSignInPage(app, options)
  servePopupPage(app, options)
  serveProviders(app, options)
  serveFlows(app, options)
}

function serveSignInPage(
  app: FastifyInstance,
  { settings, sessions, targets, refusals }: SignInRoutesOptions,
): void {
  const { basePath, providers } = settings
  app.get(routes.signIn, { exposeHeadRoute: false }, async (request, reply) => {
    const { auth_error: authError, return_to } = request.query as Record<string, unknown>
    const returnTo = targets.returnTo(return_to, request.log)
    const here = signInUrl(basePath + routes.signIn, returnTo, authError)
    const redirected = redirectToOrigin({ request, reply }, settings, here)
    if (redirected !== null) return redirected
    // If the store does not respond, show the buttons: the user may be signed out.
    const auth = await sessions.readOrNull(request)
    reply.type('text/html; charset=utf-8').header('content-security-policy', SIGN_IN_PAGE_CSP)
    return signInPage({
      basePath,
      providers,
      lastUsed: lastUsed(request, settings),
      returnTo,
      authError,
      refusal: refusals.read(request),
      user: auth?.user ?? null,
    })
  })
}

/** Redirects links that only know the default path, such as a component's link without JavaScript. */
function redirectToSignInPage(
  app: FastifyInstance,
  { settings, targets }: Pick<SignInRoutesOptions, 'settings' | 'targets'>,
): void {
  app.get(routes.signIn, { exposeHeadRoute: false }, async (request, reply) => {
    const { auth_error: authError, return_to } = request.query as Record<string, unknown>
    const returnTo = targets.returnTo(return_to, request.log)
    return reply.redirect(signInUrl(settings.signInPath, returnTo, authError), 303)
  })
}

function signInUrl(path: string, returnTo: string, authError: unknown): string {
  const code = knownCode(authError)
  const url = withReturnTo(path, returnTo)
  return code === null ? url : withQuery(url, { auth_error: code })
}

function servePopupPage(
  app: FastifyInstance,
  { settings, targets }: Pick<SignInRoutesOptions, 'settings' | 'targets'>,
): void {
  app.get(routes.popup, { exposeHeadRoute: false }, async (request, reply) => {
    const { auth_error: authError, popup, return_to } = request.query as Record<string, unknown>
    const returnTo = targets.returnTo(return_to, request.log)
    reply.type('text/html; charset=utf-8').header('content-security-policy', POPUP_PAGE_CSP)
    return popupPage({
      popup: popupId(popup),
      authError: knownCode(authError),
      providers: settings.providers,
      returnTo,
      signInUrl: withReturnTo(settings.signInPath, returnTo),
    })
  })
}

function serveProviders(
  app: FastifyInstance,
  { settings, refusals }: Pick<SignInRoutesOptions, 'settings' | 'refusals'>,
): void {
  app.get(routes.providers, { exposeHeadRoute: false }, async (request, reply) => {
    const refusal = refusals.read(request)
    return sendJson(reply, {
      providers: settings.providers.map(({ id, name, mark, ...provider }) => {
        const signUp = settings.admission.signUp && provider.signUp
        return { id, name, mark, signIn: true, signUp, link: false }
      }),
      lastUsed: lastUsed(request, settings),
      account: ['profile', 'sessions'],
      ...(refusal !== null && { refusal }),
    } satisfies ProvidersBody)
  })
}

function serveFlows(app: FastifyInstance, options: SignInRoutesOptions): void {
  const flows = createFlows(options)
  for (const provider of options.settings.providers) {
    serveFlowsOf(app, flows, connectProvider(app, provider, options.settings))
  }
}

function serveFlowsOf(app: FastifyInstance, flows: Flows, client: ProviderClient): void {
  const { id, responseMode } = client.provider
  app.get(routes.start(id), { exposeHeadRoute: false }, async (request, reply) =>
    start(flows, { request, reply, client }),
  )
  app.get(routes.callback(id), { exposeHeadRoute: false }, async (request, reply) =>
    finish(flows, { request, reply, client }),
  )
  if (responseMode !== 'form_post') return
  app.post(routes.callback(id), async (request, reply) =>
    acceptForm(flows, { request, reply, client }),
  )
}

/** Returns the id of the provider with which this browser last signed in, or `null` if it no longer exists. */
function lastUsed(request: FastifyRequest, { providers, site }: Settings): string | null {
  const id = readCookie(request.raw.headers.cookie, site.cookies.last)
  return providers.some((provider) => provider.id === id) ? id : null
}
