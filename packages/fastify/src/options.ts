import type { Server } from 'node:net'
import { routes } from '@latchkey/contract'
import type { FastifyInstance } from 'fastify'
import { fillIn, isDevelopment, ownOrigin } from './development.ts'
import { demandMilliseconds, looksLikeSeconds } from './http/durations.ts'
import { invalidOption, LatchkeyError } from './http/errors.ts'
import { refuseUnknownOptions } from './http/option-names.ts'
import { isLoopback } from './http/request-origin.ts'
import { isUnder, sameOriginPath } from './http/return-to.ts'
import { checkSecrets } from './http/secrets.ts'
import { createSite, type Site } from './http/site.ts'
import { checkProviders, isEmulated } from './providers/check-providers.ts'
import type { Provider } from './providers/provider.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store/store.ts'

/**
 * What `app.register(latchkey, options)` takes. In development every option may be left out; in
 * production `origin`, `secret`, `providers` and `store` are required.
 */
export interface LatchkeyOptions {
  /**
   * Where browsers reach the application, such as `https://app.example.com`: scheme, host and, if need
   * be, port. Decides redirect URIs and cookies; a request's `Host` never does.
   */
  readonly origin?: string | undefined
  /**
   * At least 32 random characters, kept with the application's other secrets. Of a list the first
   * seals and all open, so that a secret can be replaced.
   */
  readonly secret?: string | undefined | readonly (string | undefined)[]
  /** Who people may sign in with, such as `[bitbucket({ … })]`, in the order of the buttons. */
  readonly providers?: readonly Provider[] | undefined
  /** Where everything is kept, such as `sqlite('./data/latchkey.db')`. */
  readonly store?: Store | undefined
  /** Where the routes are mounted, below the prefixes around the plugin. Default `/auth`. */
  readonly prefix?: string
  /**
   * The path under which browsers reach the routes, if a proxy strips a part of it, such as `/api/auth`.
   * Give `<AuthProvider>` the same `basePath`. Default: the prefixes around the plugin, and `prefix`.
   */
  readonly basePath?: string | undefined
  /** Other names for `request.auth` and `request.getAuth()`, for an application that already uses these. */
  readonly decorators?: DecoratorNames | undefined
  /** The path of the application's own sign-in page. Replaces the hosted one at `<prefix>/sign-in`. */
  readonly signInPath?: string | undefined
  /** How long people stay signed in, and on how many devices. */
  readonly session?: SessionOptions | undefined
  /**
   * Names the cookies, from 1 to 64 letters, digits, `-` and `_`. Default `latchkey`. Two applications on
   * one host need different names, because browsers share cookies between ports and paths. The session
   * cookie is `__Host-<cookieName>` on https and `<cookieName>-<port>` on http. A new name signs
   * everybody out.
   */
  readonly cookieName?: string | undefined
  /** How long a callback may wait for the provider altogether, in milliseconds. Default 10,000. */
  readonly providerTimeout?: number | undefined
  /**
   * How many exchanges with one provider may be in progress, from 1 to 10,000. Default 100. It also
   * limits the connections to each of the provider's hosts. As many callbacks again may wait, at most
   * 100. Further ones end with `unavailable`, and reloading them tries again.
   */
  readonly providerConcurrency?: number | undefined
  /** Tells the time in milliseconds since the Unix epoch. Default `Date.now`; for tests. */
  readonly clock?: (() => number) | undefined
}

/** What Latchkey's decorators of a request are called. Declare the same names in `RenamedDecorators`. */
export interface DecoratorNames {
  /** Default `auth`. */
  readonly auth?: string | undefined
  /** Default `getAuth`. */
  readonly getAuth?: string | undefined
}

export interface SessionOptions {
  /**
   * How long a session lasts whatever happens, in milliseconds, from 5 minutes to 400 days, the longest
   * that browsers keep a cookie. Default 30 days.
   */
  readonly lifetime?: number | undefined
  /**
   * How long a session lasts without being used, in milliseconds, from 5 minutes to 400 days. Every
   * request that asks who is signed in is a use, noted once a minute, so it may end up to a minute early.
   * Default 7 days.
   */
  readonly idleTimeout?: number | undefined
  /** How many sessions a user may have, from 1 to 100; with one more the oldest ends. Default 100. */
  readonly maxPerUser?: number | undefined
}

const KNOWN: Readonly<Record<keyof LatchkeyOptions | 'logLevel', true>> = {
  origin: true,
  secret: true,
  providers: true,
  store: true,
  prefix: true,
  basePath: true,
  decorators: true,
  signInPath: true,
  session: true,
  cookieName: true,
  providerTimeout: true,
  providerConcurrency: true,
  clock: true,
  // Fastify's own, for any plugin.
  logLevel: true,
}

/**
 * Checks every option once, at boot. Messages name the option and its cure, never its value.
 * @param app Where the plugin is registered: its prefix, and whether its server speaks TLS.
 * @throws LatchkeyError
 */
export async function parseOptions(
  given: LatchkeyOptions,
  app: Pick<FastifyInstance, 'prefix' | 'server'>,
): Promise<Settings> {
  refuseUnknownOptions(given, Object.keys(KNOWN), { unlike: PASSED_ON })
  // From JavaScript, null may come where nothing is meant.
  const origin = given.origin ?? undefined
  const secret = given.secret ?? undefined
  const providers = given.providers ?? undefined
  const store = given.store ?? undefined
  const { providerTimeout = 10_000, clock = Date.now } = given

  if (origin) checkOrigin(origin)
  const development = isDevelopment(origin)
  if (!development) requireForProduction({ origin, secret, providers, store })
  const site = checkSite(origin, app.server, given.cookieName ?? 'latchkey', development)
  const secrets = secret === undefined ? undefined : checkSecrets(secret, development)
  if (providers !== undefined) checkProviders(providers, secrets ?? [], development)
  if (store !== undefined) checkStore(store)
  const paths = checkPaths(given, app.prefix, site)
  checkProviderTimeout(providerTimeout)
  const providerConcurrency = checkProviderConcurrency(given.providerConcurrency ?? 100)
  checkClock(clock)
  const session = checkSession(given.session ?? {})
  const decorators = checkDecorators(given.decorators ?? {})

  const filled = await fillIn({ secrets, providers, store })
  return {
    ...filled,
    ...paths,
    development,
    site,
    session,
    decorators,
    providerTimeout,
    providerConcurrency,
    clock,
    followsPort: origin === undefined,
    loopbackOnly:
      secrets === undefined ||
      filled.providers.some(isEmulated) ||
      // Nothing says that this is development but what was left out.
      (origin === undefined && !process.env.NODE_ENV),
    callbackUrl: (providerId) => site.origin + paths.basePath + routes.callback(providerId),
  }
}

const PASSED_ON =
  'If a loader such as @fastify/autoload passes it on, register Latchkey inside a plugin of your own: export default fp(async (app) => { await app.register(latchkey, { … }) }).'

function requireForProduction(
  given: Pick<LatchkeyOptions, 'origin' | 'secret' | 'providers' | 'store'>,
): void {
  const cures = {
    origin: "Say where browsers reach the application, such as 'https://app.example.com'.",
    secret: 'Make one with: openssl rand -base64 48',
    providers: 'Say who people may sign in with, such as [bitbucket({ clientId, clientSecret })].',
    store: "Say where to keep users and sessions, such as sqlite('./data/latchkey.db').",
  }
  for (const [name, cure] of Object.entries(cures)) {
    const value = given[name as keyof typeof cures]
    if (value !== undefined && value !== '') continue
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      `Option \`${name}\` is missing, which only development may leave out. ${cure} (Development is NODE_ENV=development or test, or no NODE_ENV with a loopback \`origin\`.)`,
    )
  }
}

function checkSite(
  origin: string | undefined,
  server: Server,
  cookieName: unknown,
  development: boolean,
): Site {
  const site = createSite(
    origin === undefined ? ownOrigin(server) : checkOrigin(origin),
    checkCookieName(cookieName),
  )
  if (development || site.secure) return site
  throw invalidOption('origin', 'must be https in production; http is for loopback in development')
}

function checkOrigin(origin: string): string {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(origin)) {
    throw invalidOption(
      'origin',
      'must begin with a scheme, as in https://app.example.com or http://localhost:3000',
    )
  }
  const url = URL.canParse(origin) ? new URL(origin) : null
  if (url === null || (origin !== url.origin && origin !== `${url.origin}/`)) {
    const hint = '. If a proxy strips a path, give the whole path of the routes as `basePath`'
    throw invalidOption(
      'origin',
      `must be scheme and host alone, such as https://app.example.com${url && url.pathname !== '/' ? hint : ''}`,
    )
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw invalidOption(
      'origin',
      'must be https, since browsers keep sign-in cookies from plain http',
    )
  }
  return url.origin
}

function checkStore(store: Store): void {
  if (typeof store.transaction === 'function') return
  throw invalidOption('store', "must be a store, such as sqlite('./data/latchkey.db')")
}

function checkPaths(
  given: Pick<LatchkeyOptions, 'prefix' | 'basePath' | 'signInPath'>,
  outerPrefix: string,
  { origin }: Site,
): Pick<Settings, 'prefix' | 'basePath' | 'signInPath' | 'hostsSignInPage'> {
  const { prefix = '/auth' } = given
  const seenPath = joinPrefixes(outerPrefix, prefix)
  const basePath = given.basePath ?? seenPath
  checkPath('basePath', basePath)
  const hostsSignInPage = (given.signInPath ?? undefined) === undefined
  const signInPath = given.signInPath ?? basePath + routes.signIn
  if (!hostsSignInPage) checkSignInPath(signInPath, origin, basePath)
  return { prefix, basePath, signInPath, hostsSignInPage }
}

function checkPath(name: 'prefix' | 'basePath', path: unknown): void {
  if (typeof path === 'string' && /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/.test(path)) return
  throw invalidOption(name, 'must be a path such as /auth, without a slash at its end')
}

/** As Fastify joins them. */
function joinPrefixes(outer: string, prefix: string): string {
  checkPath('prefix', prefix)
  const before = outer.replace(/\/$/, '')
  if (!/^(\/[\w.~-]+)*$/.test(before)) {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      'Latchkey is registered under a prefix with a parameter or wildcard in it, and a provider can only send people back to one path. Register it outside of that prefix.',
    )
  }
  return before + prefix
}

function checkSignInPath(signInPath: string, origin: string, basePath: string): void {
  if (sameOriginPath(signInPath, origin) !== signInPath) {
    throw invalidOption('signInPath', 'must be a path of this application, such as /login')
  }
  if (isUnder(basePath, signInPath)) {
    throw invalidOption(
      'signInPath',
      'must not be below the routes of Latchkey; leave it out for its page',
    )
  }
}

function checkCookieName(name: unknown): string {
  if (typeof name !== 'string' || !/^[\w-]{1,64}$/.test(name)) {
    throw invalidOption('cookieName', 'must be 1 to 64 letters, digits, - or _, such as acme')
  }
  if (/^__(host|secure|http)-/i.test(name)) {
    throw invalidOption(
      'cookieName',
      'must not begin with a cookie prefix. Latchkey adds `__Host-` on https: leave it out',
    )
  }
  // What an application called `acme` names its other cookies.
  if (/-last$|-flow-/.test(name)) {
    throw invalidOption(
      'cookieName',
      'must not end in `-last` or contain `-flow-`, which Latchkey adds for its other cookies',
    )
  }
  return name
}

function checkProviderTimeout(timeout: number): void {
  const isWhole = Number.isInteger(timeout) && timeout >= 100 && timeout <= 60_000
  if (isWhole && !looksLikeSeconds(timeout, 100, 60_000)) return
  throw invalidOption('providerTimeout', demandMilliseconds(timeout, 100, 60_000))
}

function checkProviderConcurrency(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit
  throw invalidOption('providerConcurrency', 'must be a whole number from 1 to 10000')
}

/** 2001, in milliseconds. What gives less counts seconds, or from its own beginning. */
const EARLIEST = 1e12

function checkClock(clock: unknown): void {
  const now: unknown = typeof clock === 'function' ? clock() : undefined
  if (Number.isSafeInteger(now) && (now as number) >= EARLIEST) return
  throw invalidOption(
    'clock',
    'must be a function that gives whole milliseconds since 1970, such as Date.now',
  )
}

const MINUTE = 60 * 1000
const DAY = 24 * 60 * MINUTE

/** What each may be: from, to, and what it is if it is not given. */
const SESSION_RANGES: Readonly<Record<keyof SessionOptions, readonly [number, number, number]>> = {
  lifetime: [5 * MINUTE, 400 * DAY, 30 * DAY],
  idleTimeout: [5 * MINUTE, 400 * DAY, 7 * DAY],
  maxPerUser: [1, 100, 100],
}

function checkSession(given: SessionOptions): Settings['session'] {
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw invalidOption('session', 'must be an object, such as { lifetime }')
  }
  refuseUnknownOptions(given, Object.keys(SESSION_RANGES), {
    say: (name) => `There is no option \`session.${name}\`.`,
  })
  const check = (name: keyof SessionOptions): number => {
    const [from, to, otherwise] = SESSION_RANGES[name]
    const value = given[name] ?? otherwise
    const isWhole = Number.isInteger(value) && value >= from && value <= to
    if (name === 'maxPerUser') {
      if (isWhole) return value
      throw invalidOption('session.maxPerUser', `must be a whole number from ${from} to ${to}`)
    }
    if (isWhole && !looksLikeSeconds(value, from, to)) return value
    throw invalidOption(`session.${name}`, demandMilliseconds(value, from, to))
  }
  return {
    lifetime: check('lifetime'),
    idleTimeout: check('idleTimeout'),
    maxPerUser: check('maxPerUser'),
  }
}

function checkDecorators(given: DecoratorNames): Settings['decorators'] {
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw invalidOption('decorators', "must be an object, such as { auth: 'latchkeyAuth' }")
  }
  refuseUnknownOptions(given, ['auth', 'getAuth'], {
    say: (name) => `There is no option \`decorators.${name}\`.`,
  })
  const names = { auth: given.auth ?? 'auth', getAuth: given.getAuth ?? 'getAuth' }
  for (const [name, value] of Object.entries(names)) {
    if (typeof value === 'string' && /^[a-z_$][\w$]*$/i.test(value)) continue
    throw invalidOption(`decorators.${name}`, 'must be a name of letters and digits')
  }
  if (names.auth !== names.getAuth) return names
  throw invalidOption('decorators', 'must give `auth` and `getAuth` different names')
}
