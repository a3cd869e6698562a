// Every code that Latchkey throws, returns or logs. The server takes statuses and types from these tables, and
// docs/reference/errors.md is generated from them: a code that is not here does not compile.

import type { ErrorCode } from '@latchkey/contract'
import { DOCS_URL } from './docs-url.ts'

export interface CodeEntry {
  /** The HTTP status of the response, or `null` if the code never is a response of its own. */
  readonly status: number | null
  /** More about the status, as a whole sentence. */
  readonly statusNote?: string
  /** Each a whole sentence. */
  readonly causes: readonly string[]
  /** What the developer or operator does about it. */
  readonly fix: string
}

/** Errors in the application's code or configuration: the codes of `LatchkeyError`. */
export const latchkeyErrors = {
  LATCHKEY_ARGUMENT_INVALID: {
    status: 400,
    causes: [
      'A method of `app.latchkey` received an argument that it does not accept: an id that is not a string, an unknown field, a `limit` outside 1–1000, or a `cursor` that is not a `nextCursor`.',
      '`app.latchkey.guard()` received an unknown option or a value of the wrong type or unit.',
      '`app.latchkey.on()` received an unknown event, or no function.',
      '`app.latchkey.sessions.create()` was called for a banned user.',
    ],
    fix: 'Correct the argument that the message names. If it comes from a request, let the error through: Fastify responds with 400.',
  },
  LATCHKEY_DECORATOR_TAKEN: {
    status: 500,
    causes: [
      'Another plugin, or the application, already decorates the server with `latchkey`, or requests with `auth` or `getAuth`.',
    ],
    fix: 'Rename `request.auth` and `request.getAuth()` with the option `decorators`, and declare the same names in `RenamedDecorators`. Rename a `latchkey` decorator of the application.',
  },
  LATCHKEY_EMULATOR_MISSING: {
    status: 500,
    causes: [
      'Development without `providers` starts the emulator, and `@latchkey/bitbucket-emulator` is not installed.',
    ],
    fix: 'Run `npm i -D @latchkey/bitbucket-emulator`, or pass `providers`.',
  },
  LATCHKEY_GUARD_MISPLACED: {
    status: 500,
    causes: [
      'A guard is used in a hook that runs too late to send a response, such as `preSerialization` or `onSend`, in `preParsing`, or as the handler.',
    ],
    fix: 'Use the guard as `onRequest`, `preValidation` or `preHandler`.',
  },
  LATCHKEY_NOT_LOOPBACK: {
    status: 500,
    causes: [
      'The server runs on development defaults (a generated secret, the emulator, or no `origin` and no `NODE_ENV`), and it was told to listen on an address that other machines can reach.',
    ],
    fix: 'Listen on `localhost`. To be reachable from other machines, pass `origin`, `secret` and real `providers`.',
  },
  LATCHKEY_OPTION_INVALID: {
    status: 500,
    causes: [
      'An option of `app.register(latchkey, …)`, `bitbucket()`, `sqlite()` or `postgres()` has a value that cannot work.',
      'An environment variable that development reads (`PORT`, `EMULATOR_PORT`) has such a value, or the port is taken.',
      'The secret that development keeps in `.latchkey` is too short.',
    ],
    fix: 'Change the option that the message names. The message says which values are accepted and never repeats the value.',
  },
  LATCHKEY_OPTION_MISSING: {
    status: 500,
    causes: [
      'Production requires `origin`, `secret`, `providers` and `store`, and one of them is missing. Often its environment variable is not set.',
      '`bitbucket()`, `sqlite()` or `postgres()` was called without a required value.',
      'A worker of `node:cluster` runs without `providers`. Workers cannot share an emulator that each of them starts.',
    ],
    fix: 'Pass the option. For development, set `NODE_ENV=development`, or leave `NODE_ENV` unset with a loopback `origin`.',
  },
  LATCHKEY_OPTION_UNKNOWN: {
    status: 500,
    causes: [
      'An option has a name that Latchkey does not know, often a misspelling.',
      'A loader such as `@fastify/autoload` passes its own options on to Latchkey.',
    ],
    fix: 'Use the name that the message suggests. Behind a loader, register Latchkey inside a plugin of your own.',
  },
  LATCHKEY_REGISTERED_TWICE: {
    status: 500,
    causes: ['Latchkey is registered a second time on the same server.'],
    fix: 'Register it once, in the outermost context that needs it. Put several providers into its `providers`.',
  },
  LATCHKEY_STORE_UNUSABLE: {
    status: 500,
    causes: [
      'SQLite: the file or its folder is not writable, the file is not a database, or another process holds it.',
      'PostgreSQL: the server does not respond, the URL names the wrong host, user, password, database or `sslmode`, the URL leads to a standby, or the schema in `search_path` does not exist.',
      'The package `pg` is not installed.',
      'A newer version of Latchkey has already migrated the tables.',
    ],
    fix: 'The message says which of these it is. Correct the file, the permissions or the URL, or upgrade Latchkey.',
  },
  LATCHKEY_UNGUARDED: {
    status: 500,
    causes: [
      '`request.auth` was read on a route without a guard.',
      '`app.latchkey.guard` was used as a hook without being called.',
    ],
    fix: 'Add `{ onRequest: app.latchkey.guard() }` to the route. On a route that is public too, use `await request.getAuth()`, which returns `null` when signed out.',
  },
  LATCHKEY_UNKNOWN_USER: {
    status: 404,
    causes: ['A method of `app.latchkey` received the id of a user that does not exist anymore.'],
    fix: 'Check the id. If it comes from a request, let the error through: Fastify responds with 404.',
  },
} as const

/** What a programmer did that cannot work. Stable: switch on the code, never on the message. */
export type LatchkeyErrorCode = keyof typeof latchkeyErrors

/** Codes of errors that reach the application's routes although nothing is wrong with its code. */
export const runtimeErrors = {
  LATCHKEY_SESSION_ENDED: {
    status: 401,
    causes: [
      'The session of a running request ended: sign-out, revocation, ban, deletion of the user, or expiry. The error is the `reason` of `request.auth.signal`, so an aborted `fetch()` throws it.',
    ],
    fix: 'Nothing, or close what the request has opened. If the route throws the error, Fastify responds with 401.',
  },
  LATCHKEY_UNAVAILABLE: {
    status: 503,
    causes: [
      'The store did not respond, so `request.getAuth()` or a method of `app.latchkey` cannot know the result. The log has the reason, in the line `the Latchkey store did not respond`.',
    ],
    fix: 'Check the database. Do not treat the error as signed out: let it through, and Fastify responds with 503.',
  },
} as const

/** The codes that browsers get: in the body of a response, or as `?auth_error=<code>` after a sign-in. */
export const errorCodes = {
  access_denied: {
    status: null,
    causes: ["The person cancelled on the provider's consent page."],
    fix: 'Nothing. The page shows the sentence, and the person can start again.',
  },
  account_inactive: {
    status: null,
    causes: ['The provider says that the account is closed, suspended or otherwise not active.'],
    fix: 'Nothing on your side. The person must sort it out with the provider.',
  },
  flow_expired: {
    status: null,
    causes: ['More than ten minutes passed between the start of the sign-in and the callback.'],
    fix: 'Nothing. The person starts again. If it happens to everyone, check the clocks of your servers.',
  },
  flow_missing: {
    status: null,
    causes: [
      'The callback was opened in a browser that did not start the sign-in, or from the history.',
      'The browser blocks cookies, or has deleted them.',
      'The application is open under a host name other than `origin`, so the browser does not send the cookie.',
      'The servers behind one `origin` have different secrets.',
    ],
    fix: 'If it happens to one person, they start again with cookies enabled. If it happens to everyone, make `origin` match the address in the browser, and give every server the same `secret`.',
  },
  flow_used: {
    status: null,
    causes: [
      'The callback was opened a second time, for example by Back or reload, and this browser is not signed in.',
    ],
    fix: 'Nothing. Latchkey usually restarts such a sign-in automatically. The person starts again.',
  },
  provider_bad_answer: {
    status: null,
    causes: [
      'The provider returned something that is not a token response or a profile: a redirect, HTML, or JSON without the required fields.',
      "A provider of your own reads a field that the provider's API does not return.",
    ],
    fix: 'Read `reason` in the log line `sign-in failed`. Check the URLs of the provider, and whether a proxy replaces its responses.',
  },
  provider_refused: {
    status: null,
    causes: [
      'The client id or secret is wrong, or belongs to another registration.',
      'The registration at the provider has no callback URL, or another one than Latchkey sends.',
      'A scope is missing from the registration.',
    ],
    fix: 'Read `reason` in the log line `sign-in failed`. For Bitbucket, [the guide](../guides/bitbucket.md) lists each reason with its fix.',
  },
  provider_unavailable: {
    status: null,
    causes: [
      'The provider did not respond within `providerTimeout`, reported an outage, or limits the rate of requests.',
      'The server cannot reach the provider: firewall, DNS, or a proxy that Node is not set up to use.',
    ],
    fix: "If it happens from the first sign-in on, check the server's outgoing connections. Otherwise wait for the provider.",
  },
  user_banned: {
    status: null,
    causes: ['An administrator banned the user with `app.latchkey.users.ban()`.'],
    fix: '`app.latchkey.users.unban()` lets the user sign in again.',
  },
  cross_site: {
    status: 403,
    causes: [
      'A page of another origin sent a request that changes something, or opened a WebSocket.',
      'The application is open under an address other than `origin`, or a proxy changes the headers `Origin` or `Sec-Fetch-Site`.',
      'A client other than a browser called a route of Latchkey that changes something, without an `Origin` header.',
    ],
    fix: "Set `origin` to the address that the browser shows. Behind a front end's development server, that is the address of the front end.",
  },
  forbidden: {
    status: 403,
    causes: [
      'The `check` of a guard did not return `true`.',
      'The start of a sign-in was loaded in a frame or as an image. It must be a navigation of the page itself.',
      'A hook of the application refused a request to Latchkey with 403.',
    ],
    fix: 'Check what `check` returns for this user. Start a sign-in with a link, a form or a popup, never in a frame.',
  },
  invalid_request: {
    status: 400,
    statusNote: 'Another 4xx status of Fastify or of a hook keeps its number, such as 413.',
    causes: [
      'The `scope` of a sign-out is not `local`, `others` or `global`.',
      'The body is malformed or too large, or a hook of the application refused the request with a 4xx status that has no code of its own.',
    ],
    fix: 'Send what `@latchkey/contract` describes. Check the hooks of the application that also apply to the routes of Latchkey.',
  },
  not_found: {
    status: 404,
    causes: [
      'Latchkey has no route at this path. The front end may have another `basePath` than the server.',
      'The session to revoke does not exist, or belongs to someone else.',
    ],
    fix: 'Give `<AuthProvider>` the same `basePath` as the server, and check whether a proxy strips part of the path.',
  },
  prefetch_refused: {
    status: 503,
    causes: ['The browser tried to prefetch or prerender the start of a sign-in.'],
    fix: 'Nothing. The browser loads the page again when the person clicks.',
  },
  reauth_required: {
    status: 403,
    causes: ["The sign-in is older than the guard's `maxAge`."],
    fix: 'Send the person through a sign-in again, in React with `signInUrl()` or `useSignIn()`, then repeat the request.',
  },
  server_error: {
    status: 500,
    causes: [
      'Something failed that Latchkey does not expect, often in code of the application: a hook, a provider of your own, or a store of your own.',
    ],
    fix: 'Read the error in the log. The response never contains it. If the stack leads into Latchkey, please report it.',
  },
  too_many_requests: {
    status: 429,
    causes: [
      'A rate limit of the application, such as `@fastify/rate-limit`, applies to the routes of Latchkey.',
    ],
    fix: 'Raise the limit for these routes if people run into it.',
  },
  unauthenticated: {
    status: 401,
    causes: [
      'The request has no session cookie, or its session has ended.',
      'The cookie was sent to a server with another `secret`, `cookieName` or store.',
      'The front end calls another origin, so the browser sends no cookie.',
    ],
    fix: 'Let the person sign in. If it happens right after a sign-in, compare `origin` with the address in the browser, and the options of all servers.',
  },
  unavailable: {
    status: 503,
    causes: [
      'The store did not respond.',
      'Too many callbacks wait for the provider: `providerConcurrency` requests are in progress, and as many again, at most 100, are waiting.',
    ],
    fix: 'Check the database, and the `reason` in the log. Raise `providerConcurrency` only if the provider responds quickly.',
  },
} as const

/** The codes that `@latchkey/react` adds to those of the server. */
export const kitCodes = {
  bad_answer: {
    status: null,
    causes: [
      "The response is not Latchkey's: a proxy or the front end's own server responded, often with its index.html.",
      'The server runs a version of Latchkey that does not fit the version of the kit.',
    ],
    fix: "Give `<AuthProvider>` the server's `basePath`, and let the proxy pass that path on.",
  },
  unreachable: {
    status: null,
    causes: ['The browser is offline, or the server did not respond.'],
    fix: 'Check that the server runs and that the proxy in front of it forwards the path.',
  },
} as const

/** Warnings and errors in the log that have no code of their own. */
export const logEntries = {
  account_data_missing: {
    line: 'sign-in warning',
    causes: [
      'The person is signed in, but the provider did not return everything, such as the e-mail addresses, or returned an account status that Latchkey does not know.',
    ],
    fix: 'The field `reason` says what is missing and how to get it. For Bitbucket, that usually is a scope of the registration.',
  },
  development_defaults: {
    line: 'Latchkey runs in development with …',
    causes: ['Options are missing, and development filled them in.'],
    fix: 'Nothing in development. In production, pass `origin`, `secret`, `providers` and `store`, and set `NODE_ENV=production`.',
  },
  discovery_failed: {
    line: 'discovery failed, the known document is kept',
    causes: [
      "The provider's discovery document could not be requested again, or has moved an endpoint to another host.",
    ],
    fix: 'The field `reason` says which. People can still sign in with the known endpoints. If the provider has announced new ones, restart the server.',
  },
  host_rewritten: {
    line: 'Latchkey: a proxy in front of this server changes the `Host` header, …',
    causes: ['A proxy in development replaces the `Host` header.'],
    fix: 'Pass the header on: `proxy_set_header Host $http_host;` in nginx, `changeOrigin: false` in Vite.',
  },
  listener_failed: {
    line: 'a Latchkey listener failed',
    causes: ['A function that was passed to `app.latchkey.on()` threw or rejected.'],
    fix: 'Correct the listener. The sign-in or sign-out that it was told about is not affected.',
  },
  looks_like_seconds: {
    line: 'postgres(): `…` is in milliseconds, and this looks like seconds.',
    causes: ['An option in milliseconds has a value from 1 to 60.'],
    fix: 'Multiply the value by 1000.',
  },
  notifications_missing: {
    line: 'PostgreSQL notifications are not arriving …',
    causes: [
      'The connection that listens is cut, or leads through a pooler that does not pass notifications on, such as PgBouncer in transaction mode.',
    ],
    fix: 'Sign-in and revocation keep working, at the price of a query per request. Behind a pooler, give `postgres()` a `listenUrl` that leads around it.',
  },
  origin_mismatch: {
    line: 'Latchkey: a request came from a page at …, but `origin` is …',
    causes: [
      "In development, the application is open under another address than `origin`, usually that of the front end's server.",
    ],
    fix: 'Set `origin` to the address that the browser shows.',
  },
  proxy_ignored: {
    line: 'Latchkey: the environment variable … is ignored, …',
    causes: [
      '`HTTPS_PROXY` or `HTTP_PROXY` is set, and this version of Node has no proxy support for agents.',
    ],
    fix: 'Use Node 22.21, 24.5 or newer, and set `NODE_USE_ENV_PROXY=1`.',
  },
  return_to_changed: {
    line: 'Latchkey: `return_to` is …',
    causes: [
      'In development, `return_to` is not a page of the application, is below the routes of Latchkey, or is too long.',
    ],
    fix: 'Pass a path of the application, such as `/reports`. Shorten a long URL.',
  },
  row_unreadable: {
    line: 'The row with the id … in … cannot be read, …',
    causes: ['Something other than Latchkey wrote to its tables, or the database is damaged.'],
    fix: 'Correct or delete the row. Until then it counts as missing.',
  },
  session_use_not_stored: {
    line: 'could not store when sessions were last used; retrying',
    causes: [
      'The store refused or did not finish a write. Only the times of last use are affected.',
    ],
    fix: 'Check the database: its disk, its permissions, its load. Sessions that stay in use may expire early if it lasts longer than `idleTimeout`.',
  },
} as const

type LogEntry = Pick<CodeEntry, 'causes' | 'fix'> & {
  /** How the line begins. */
  readonly line: string
}

/** What the reference has an entry about. */
export type EntryName =
  | LatchkeyErrorCode
  | keyof typeof runtimeErrors
  | keyof typeof errorCodes
  | keyof typeof logEntries

/** An error code that can be a response. The others only come back from a sign-in. */
export type ResponseCode = {
  [Code in ErrorCode]: (typeof errorCodes)[Code]['status'] extends number ? Code : never
}[ErrorCode]

// Without types of their own, the tables above give the types of the codes. Here they are checked to be complete.
const errors: Readonly<Record<ErrorCode, CodeEntry>> = errorCodes
const mistakes: Readonly<Record<LatchkeyErrorCode, CodeEntry & { status: number }>> = latchkeyErrors

/** Everything in the reference, in its order. */
export const reference: {
  readonly errors: Readonly<Record<ErrorCode, CodeEntry>>
  readonly kit: Readonly<Record<string, CodeEntry>>
  readonly mistakes: Readonly<Record<string, CodeEntry>>
  readonly log: Readonly<Record<string, LogEntry>>
} = { errors, kit: kitCodes, mistakes: { ...mistakes, ...runtimeErrors }, log: logEntries }

/** Returns the status of a response with this code. */
export function statusOf(code: ResponseCode): number {
  return errorCodes[code].status
}

/** Returns the status of a `LatchkeyError` that a route throws. */
export function statusOfMistake(code: LatchkeyErrorCode): number {
  return mistakes[code].status
}

/** Returns a message that ends with the address of its entry in the reference. */
export function withReference(message: string, name: EntryName): string {
  return `${message.replace(/\.$/, '')}. See ${DOCS_URL}/reference/errors.md#${name.toLowerCase()}`
}
