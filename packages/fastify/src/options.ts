import type { Server } from 'node:net'
import { routes } from '@latchkey/contract'
import type { FastifyInstance } from 'fastify'
import type { AdmissionPolicy } from './accounts/admission.ts'
import { checkEmailRules, type EmailRules } from './accounts/email-rules.ts'
import type { OnAdmission } from './accounts/on-admission.ts'
import type { OnUserCreated } from './accounts/on-user-created.ts'
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
 * The options of `app.register(latchkey, options)`. In development, every option can be omitted. In
 * production, `origin`, `secret`, `providers` and `store` are required.
 */
export interface LatchkeyOptions {
  /**
   * The URL of the application in the browser, such as `https://app.example.com`: scheme, host and, if
   * it is not the default, port. Determines redirect URIs and cookies. The `Host` header is never used for
   * either. Default in development: `http://localhost` with the server's port, or https if it serves TLS.
   */
  readonly origin?: string | undefined
  /**
   * At least 32 random characters, stored with the application's other secrets. Pass an array to rotate:
   * the first secret encrypts, all of them decrypt. Default in development: a generated secret in
   * `.latchkey/`.
   */
  readonly secret?: string | undefined | readonly (string | undefined)[]
  /**
   * The providers that people can sign in with, such as `[bitbucket({ … })]`, in the order of the buttons.
   * Default in development: an emulated Bitbucket, on `EMULATOR_PORT` or any free port.
   */
  readonly providers?: readonly Provider[] | undefined
  /**
   * The database for users, identities and sessions, such as `sqlite('./data/latchkey.db')` or
   * `postgres(process.env.DATABASE_URL)`. Default in development: SQLite in `.latchkey/`.
   */
  readonly store?: Store | undefined
  /** The path of the routes, below the prefixes in which the plugin is registered. Default `/auth`. */
  readonly prefix?: string
  /**
   * The path of the routes in the browser, such as `/api/auth`. Set it if a proxy strips part of the path,
   * and pass the same `basePath` to `<AuthProvider>`. Default: the surrounding prefixes and `prefix`.
   */
  readonly basePath?: string | undefined
  /** Other names for `request.auth` and `request.getAuth()`, if these are already taken. */
  readonly decorators?: DecoratorNames | undefined
  /** The path of your own sign-in page. Default: the hosted page at `<basePath>/sign-in`. */
  readonly signInPath?: string | undefined
  /**
   * Whether people who have not signed in before become users (`open`), or are rejected with
   * `sign_up_closed` (`closed`). Existing users can always sign in. Default `open`.
   */
  readonly signUp?: 'open' | 'closed' | undefined
  /** Which e-mail addresses can sign in. Default: all, and accounts without an address. */
  readonly emails?: EmailRules | undefined
  /**
   * Decides about each sign-in, after the other rules: call `refuse('…')` with a sentence for the user, return
   * `{ roles }`, or return nothing. It runs outside of any transaction, for at most 5 seconds. If it throws or
   * rejects, the sign-in fails with `server_error`. It may be called again for the same sign-in.
   */
  readonly onAdmission?: OnAdmission | undefined
  /**
   * Called for each new user, before they are signed in, for example to create their row in a table of your
   * own. The sign-in waits for it, outside of any transaction. If it throws or rejects, the user is deleted and
   * the sign-in fails with `server_error`. It must be idempotent: after a crash, the next sign-in calls it
   * again for the same user.
   */
  readonly onUserCreated?: OnUserCreated | undefined
  /** How long sessions last, and how many a user can have. */
  readonly session?: SessionOptions | undefined
  /**
   * The name of the cookies: 1 to 64 letters, digits, `-` and `_`. Default `latchkey`. Two applications on
   * one host need different names, because browsers share cookies between ports and paths. The session
   * cookie is `__Host-<cookieName>` on https and `<cookieName>-<port>` on http. Changing the name signs
   * out all users.
   */
  readonly cookieName?: string | undefined
  /**
   * How long a callback may wait for the provider in total, in milliseconds, from 100 to 60,000. Default
   * 10,000.
   */
  readonly providerTimeout?: number | undefined
  /**
   * How many exchanges with one provider can run at a time, from 1 to 10,000. Default 100. Also limits the
   * connections to each of the provider's hosts. The same number of callbacks can wait in a queue, but no
   * more than 100. Further callbacks fail with `unavailable`. Reloading such a callback tries again.
   */
  readonly providerConcurrency?: number | undefined
  /** Returns the current time in milliseconds since the Unix epoch. For tests. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** The names of Latchkey's request decorators. Declare the same names in `RenamedDecorators`. */
export interface DecoratorNames {
  /** Replaces `request.auth`. Default `auth`. */
  readonly auth?: string | undefined
  /** Replaces `request.getAuth()`. Default `getAuth`. */
  readonly getAuth?: string | undefined
}

/** How long sessions last, and how many a user can have. */
export interface SessionOptions {
  /**
   * How long a session lasts at most, however often it is used, in milliseconds. From 5 minutes to 400
   * days, which is the longest lifetime of a cookie in browsers. Default 30 days.
   */
  readonly lifetime?: number | undefined
  /**
   * How long a session lasts without being used, in milliseconds, from 5 minutes to 400 days. Every
   * request that checks who is signed in is a use. It is stored once a minute, so a session can expire up
   * to a minute early. Default 7 days.
   */
  readonly idleTimeout?: number | undefined
  /**
   * How many sessions a user can have, from 1 to 100. One more sign-in revokes the oldest session. Default
   * 100.
   */
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
  signUp: true,
  emails: true,
  onAdmission: true,
  onUserCreated: true,
  session: true,
  cookieName: true,
  providerTimeout: true,
  providerConcurrency: true,
  clock: true,
  // Fastify's own option for every plugin.
  logLevel: true,
}

/**
 * Validates all options at boot and fills in the missing ones in development. Error messages name the
 * option and the fix, never the value.
 * @param app Supplies the prefix in which the plugin is registered, and whether the server uses TLS.
 * @throws LatchkeyError
 */
export async function parseOptions(
  given: LatchkeyOptions,
  app: Pick<FastifyInstance, 'prefix' | 'server'>,
): Promise<Settings> {
  refuseUnknownOptions(given, Object.keys(KNOWN), { unlike: PASSED_ON })
  // JavaScript callers may pass null for a missing option.
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
  if (store !== undefined) checkStore(store)
  const paths = checkPaths(given, app.prefix, site)
  checkProviderTimeout(providerTimeout)
  const providerConcurrency = checkProviderConcurrency(given.providerConcurrency ?? 100)
  checkClock(clock)
  const session = checkSession(given.session ?? {})
  const admission = checkAdmission(given)
  const decorators = checkDecorators(given.decorators ?? {})

  const checked =
    providers === undefined ? undefined : checkProviders(providers, secrets ?? [], development)
  const filled = await fillIn({ secrets, providers: checked, store })
  return {
    ...filled,
    ...paths,
    development,
    site,
    admission,
    onAdmission: checkHook('onAdmission', given.onAdmission),
    onUserCreated: checkHook('onUserCreated', given.onUserCreated),
    session,
    decorators,
    providerTimeout,
    providerConcurrency,
    clock,
    followsPort: origin === undefined,
    loopbackOnly:
      secrets === undefined ||
      filled.providers.some(isEmulated) ||
      // Only missing settings suggest development, so this may be a production server.
      (origin === undefined && !process.env.NODE_ENV),
    callbackUrl: (providerId) => site.origin + paths.basePath + routes.callback(providerId),
  }
}

/** Added to the error for an unknown option that resembles no known one. */
const PASSED_ON =
  'If a loader such as @fastify/autoload passes this option, register Latchkey inside your own plugin: export default fp(async (app) => { await app.register(latchkey, { … }) }).'

function requireForProduction(
  given: Pick<LatchkeyOptions, 'origin' | 'secret' | 'providers' | 'store'>,
): void {
  const cures = {
    origin:
      "Set it to the URL of the application in the browser, such as 'https://app.example.com'.",
    secret: 'Generate one with: openssl rand -base64 48',
    providers: 'Pass at least one provider, such as [bitbucket({ clientId, clientSecret })].',
    store: "Pass the store for users and sessions, such as sqlite('./data/latchkey.db').",
  }
  for (const [name, cure] of Object.entries(cures)) {
    const value = given[name as keyof typeof cures]
    if (value !== undefined && value !== '') continue
    throw new LatchkeyError(
      'LATCHKEY_OPTION_MISSING',
      `Option \`${name}\` is missing. It is only optional in development. ${cure} (Development is NODE_ENV=development or test, or no NODE_ENV with a loopback \`origin\`.)`,
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
  throw invalidOption(
    'origin',
    'must be https in production. Use http only on loopback in development',
  )
}

function checkOrigin(origin: string): string {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(origin)) {
    throw invalidOption(
      'origin',
      'must begin with a scheme, such as https://app.example.com or http://localhost:3000',
    )
  }
  const url = URL.canParse(origin) ? new URL(origin) : null
  if (url === null || (origin !== url.origin && origin !== `${url.origin}/`)) {
    const hint =
      '. If a proxy strips part of the path, set `basePath` to the path of the routes in the browser'
    throw invalidOption(
      'origin',
      `must contain only scheme, host and port, such as https://app.example.com${url && url.pathname !== '/' ? hint : ''}`,
    )
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw invalidOption(
      'origin',
      'must be https, because browsers reject secure cookies over http. Use http only on loopback',
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
  throw invalidOption(name, 'must be a path such as /auth, without a trailing slash')
}

/** Joins prefixes in the same way as Fastify. */
function joinPrefixes(outer: string, prefix: string): string {
  checkPath('prefix', prefix)
  const before = outer.replace(/\/$/, '')
  if (!/^(\/[\w.~-]+)*$/.test(before)) {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      'Latchkey is registered under a prefix that contains a parameter or a wildcard. A provider can only redirect to one fixed path. Register Latchkey outside of that prefix.',
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
      'must not be below the routes of Latchkey. Omit it to use the hosted page',
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
      'must not begin with a cookie prefix. Remove the prefix: on https, Latchkey adds `__Host-` itself',
    )
  }
  // An application named `acme` also uses the cookies `acme-last`, `acme-posted`, `acme-refusal` and `acme-flow-…`.
  if (/-(last|posted|refusal)$|-flow-/.test(name)) {
    throw invalidOption(
      'cookieName',
      'must not end in `-last`, `-posted` or `-refusal` or contain `-flow-`, which Latchkey adds for its other cookies',
    )
  }
  return name
}

function checkAdmission({
  signUp = 'open',
  emails,
}: Pick<LatchkeyOptions, 'signUp' | 'emails'>): AdmissionPolicy {
  if (signUp !== 'open' && signUp !== 'closed') {
    throw invalidOption('signUp', "must be 'open' or 'closed'")
  }
  return { signUp: signUp === 'open', emails: checkEmailRules(emails ?? {}) }
}

function checkHook<Hook>(name: string, hook: Hook | undefined): Hook | undefined {
  if (hook === undefined || typeof hook === 'function') return hook
  throw invalidOption(name, 'must be a function')
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

/** September 2001. A clock below this counts seconds, or milliseconds since the process started. */
const EARLIEST = 1e12

function checkClock(clock: unknown): void {
  const now: unknown = typeof clock === 'function' ? clock() : undefined
  if (Number.isSafeInteger(now) && (now as number) >= EARLIEST) return
  throw invalidOption(
    'clock',
    'must be a function that returns whole milliseconds since 1970, such as Date.now',
  )
}

const MINUTE = 60 * 1000
const DAY = 24 * 60 * MINUTE

/** The minimum, maximum and default of each option. */
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
    throw invalidOption(
      `decorators.${name}`,
      'must consist of letters, digits, _ and $, and must not begin with a digit',
    )
  }
  if (names.auth !== names.getAuth) return names
  throw invalidOption('decorators', 'must contain different names for `auth` and `getAuth`')
}
