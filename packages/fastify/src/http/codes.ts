// Every code that Latchkey throws, returns or logs. The server uses the statuses and types from these tables, so a
// code that is missing here does not compile. docs/reference/errors.md is generated from them.

import type { ErrorCode } from '@latchkey/contract'
import { DOCS_URL } from './docs-url.ts'

export interface CodeEntry {
  /** The HTTP status of the response, or `null` if no response ever has this code. */
  readonly status: number | null
  /** More about the status, as a complete sentence. */
  readonly statusNote?: string
  /** Each cause is a complete sentence. */
  readonly causes: readonly string[]
  /** What the developer or operator should do about it. */
  readonly fix: string
}

/** Errors in the application's code or configuration: the codes of `LatchkeyError`. */
export const latchkeyErrors = {
  LATCHKEY_ARGUMENT_INVALID: {
    status: 400,
    causes: [
      'A method of `app.latchkey` received an argument that it does not accept: an ID that is not a string, an unknown field, a `limit` outside 1–1000, or a `cursor` that is not a `nextCursor`.',
      '`app.latchkey.guard()` received an unknown option or a value of the wrong type or unit.',
      '`app.latchkey.on()` received an unknown event, or a listener that is not a function.',
      '`app.latchkey.sessions.create()` was called for a banned user.',
    ],
    fix: 'Correct the argument that the message names. If it comes from a request, do not catch the error, and Fastify responds with 400.',
  },
  LATCHKEY_DECORATOR_TAKEN: {
    status: 500,
    causes: [
      'Another plugin or the application has already decorated the server with `latchkey`, or requests with `auth` or `getAuth`.',
    ],
    fix: 'Rename `request.auth` and `request.getAuth()` with the `decorators` option, and declare the same names in `RenamedDecorators`. If the application has its own `latchkey` decorator, rename that one.',
  },
  LATCHKEY_EMULATOR_MISSING: {
    status: 500,
    causes: [
      'In development, Latchkey emulates Bitbucket if `providers` is missing or `bitbucket()` has no credentials, but `@latchkey/bitbucket-emulator` is not installed.',
      'In development, Latchkey emulates every other built-in provider that has no credentials, such as `github()`, but `@latchkey/provider-emulator` is not installed.',
    ],
    fix: 'Install the package that the message names, or pass the credentials of the provider.',
  },
  LATCHKEY_GUARD_MISPLACED: {
    status: 500,
    causes: [
      'A guard is used as the route handler, as a `preParsing` hook, or as a hook that runs too late to send a response, such as `preSerialization` or `onSend`.',
    ],
    fix: 'Use the guard as an `onRequest`, `preValidation` or `preHandler` hook.',
  },
  LATCHKEY_NOT_LOOPBACK: {
    status: 500,
    causes: [
      'The server is using development defaults (a generated secret, the emulator, or no `origin` and no `NODE_ENV`), but it was told to listen on an address that other machines can reach.',
    ],
    fix: 'Listen on `localhost`. If other machines must reach the server, pass `origin`, `secret` and real `providers`.',
  },
  LATCHKEY_OPTION_INVALID: {
    status: 500,
    causes: [
      'An option of `app.register(latchkey, …)`, of a provider such as `bitbucket()`, of `sqlite()` or of `postgres()` has a value that cannot work.',
      'A field of your own provider (`defineProvider()`, `oauth2()` or `oidc()`) has a value that cannot work.',
      'An environment variable that Latchkey reads in development (`PORT` or `EMULATOR_PORT`) has a value that cannot work, or the port is already in use.',
      'The secret that Latchkey stores in `.latchkey` in development is too short.',
    ],
    fix: 'Change the option that the message names. The message says which values are accepted. It never contains the rejected value.',
  },
  LATCHKEY_OPTION_MISSING: {
    status: 500,
    causes: [
      'Production requires `origin`, `secret`, `providers` and `store`, and one of them is missing, often because its environment variable is not set.',
      'A provider has no client ID or secret, often because its environment variable is not set.',
      '`sqlite()` or `postgres()` was called without a required value.',
      'A provider has no credentials in a `node:cluster` worker in development. Each worker would start its own emulator, and workers cannot share those.',
    ],
    fix: 'Pass the option. For development, set `NODE_ENV=development`, or leave `NODE_ENV` unset with a loopback `origin`.',
  },
  LATCHKEY_OPTION_UNKNOWN: {
    status: 500,
    causes: [
      'Latchkey does not have an option with this name. Often, the name is misspelled.',
      'A loader such as `@fastify/autoload` passes its own options on to Latchkey.',
    ],
    fix: 'Use the name that the message suggests. If you use a loader, register Latchkey inside your own plugin.',
  },
  LATCHKEY_REGISTERED_TWICE: {
    status: 500,
    causes: ['Latchkey was registered twice on the same server.'],
    fix: 'Register it once, in the outermost context that needs it. To use several providers, list them all in `providers`.',
  },
  LATCHKEY_STORE_UNUSABLE: {
    status: 500,
    causes: [
      'SQLite: the file or its folder is not writable, the file is not a database, or another process has locked it.',
      'PostgreSQL: the server does not respond, the URL has the wrong host, user, password, database or `sslmode`, the URL leads to a standby, or the schema in `search_path` does not exist.',
      'The package `pg` is not installed.',
      'A newer version of Latchkey has already migrated the tables.',
    ],
    fix: 'The message says which of these is the cause. Correct the file, the permissions or the URL, install `pg`, or upgrade Latchkey.',
  },
  LATCHKEY_UNGUARDED: {
    status: 500,
    causes: [
      '`request.auth` was read on a route without a guard.',
      '`app.latchkey.guard` was used as a hook without being called.',
    ],
    fix: 'Add `{ onRequest: app.latchkey.guard() }` to the route. If signed-out users can also use the route, call `await request.getAuth()` instead, which returns `null` for them.',
  },
  LATCHKEY_UNKNOWN_USER: {
    status: 404,
    causes: [
      'A method of `app.latchkey` received the ID of a user who does not exist, or no longer exists.',
    ],
    fix: 'Check the ID. If it comes from a request, do not catch the error, and Fastify responds with 404.',
  },
} as const

/** The code of a programming or configuration error. Codes are stable, messages are not: switch on the code. */
export type LatchkeyErrorCode = keyof typeof latchkeyErrors

/** The codes of errors that reach the application's routes even though nothing is wrong with its code. */
export const runtimeErrors = {
  LATCHKEY_SESSION_ENDED: {
    status: 401,
    causes: [
      'The session ended while the request was in progress: the user signed out, was banned or was deleted, or the session was revoked or expired. The error is the `reason` of `request.auth.signal`, so an aborted `fetch()` throws it.',
    ],
    fix: 'Usually nothing. If the route has opened a connection or a file, close it. If the route throws the error, Fastify responds with 401.',
  },
  LATCHKEY_UNAVAILABLE: {
    status: 503,
    causes: [
      'The store did not respond, so `request.getAuth()` or a method of `app.latchkey` cannot return a result. The log contains the reason, in the line `the Latchkey store did not respond`.',
    ],
    fix: 'Check the database. Do not treat the user as signed out. If you do not catch the error, Fastify responds with 503.',
  },
} as const

/** The codes that browsers receive, in the body of a response or as `?auth_error=<code>` after a sign-in. */
export const errorCodes = {
  access_denied: {
    status: null,
    causes: ["The user cancelled on the provider's consent page."],
    fix: 'Nothing. The page shows the message, and the user can start again.',
  },
  account_inactive: {
    status: null,
    causes: ['The provider reports that the account is closed, suspended or otherwise inactive.'],
    fix: 'You cannot fix this. The user must contact the provider.',
  },
  flow_expired: {
    status: null,
    causes: ['More than ten minutes passed between the start of the sign-in and the callback.'],
    fix: "Nothing. The user can start again. If all users get this error, check your servers' clocks.",
  },
  flow_missing: {
    status: null,
    causes: [
      'The callback URL was opened in a browser that did not start the sign-in, or from the browser history.',
      'The browser is blocking cookies, or has deleted them.',
      'The browser opened the application under a host name other than the one in `origin`, so it does not send the cookie.',
      'The servers behind the `origin` have different secrets.',
    ],
    fix: 'If only one user gets this error, they can start again with cookies enabled. If all users get it, set `origin` to the URL in the address bar of the browser, and give every server the same `secret`.',
  },
  flow_used: {
    status: null,
    causes: [
      'The callback URL was opened a second time, for example with the Back or Reload button, and the browser is not signed in.',
    ],
    fix: 'Nothing. Latchkey usually restarts such a sign-in automatically. If it does not, the user can start again.',
  },
  provider_bad_answer: {
    status: null,
    causes: [
      'The provider returned something that is not a token response or a profile: a redirect, HTML, or JSON without the required fields.',
      'An ID token is invalid, the callback names another issuer, or the discovery document cannot be used.',
      '`profile()` of your own provider returns no usable `subject`.',
    ],
    fix: "Read `reason` in the log line `sign-in failed`. Check the provider's URLs, and check whether a proxy is replacing its responses.",
  },
  provider_refused: {
    status: null,
    causes: [
      'The client ID or secret is wrong, or belongs to a different registration.',
      'The registration with the provider has no callback URL, or one that differs from the URL that Latchkey sends.',
      'A scope is missing from the registration.',
      'The provider refused a request for the profile, or your own provider called `refuse()`.',
    ],
    fix: 'Read `reason` in the log line `sign-in failed`. For Bitbucket, [the guide](../guides/bitbucket.md) lists each reason with its fix. Each of the [other providers](../providers/README.md) has its own page.',
  },
  provider_unavailable: {
    status: null,
    causes: [
      'The provider did not respond within `providerTimeout`, reported an outage, or rate-limited the request.',
      'The server cannot reach the provider because of a firewall, DNS, or a proxy that Node is not configured to use.',
      'The option `emails` has rules, and the provider did not return the address, because of an outage or a missing permission.',
    ],
    fix: "If no sign-in has ever worked, check the server's outgoing connections. Otherwise, wait until the provider is available again.",
  },
  email_missing: {
    status: null,
    causes: [
      "The option `emails` requires an address (`allow`, or `verified: 'required'`), and the account has none at the provider.",
    ],
    fix: 'The user must add an e-mail address at the provider, or use another account.',
  },
  email_not_allowed: {
    status: null,
    causes: [
      "The address does not match `emails.allow`, matches `emails.block`, or is a sub-address and `emails.subaddresses` is `'block'`.",
    ],
    fix: 'If the user should be able to sign in, change the option `emails`.',
  },
  email_unverified: {
    status: null,
    causes: [
      "The option `emails` requires a verified address (`allow`, or `verified: 'required'`), and the provider did not report the address as verified.",
      'The provider does not verify addresses itself, such as Microsoft or Slack, so its addresses never count as verified.',
    ],
    fix: 'The user must verify the address at the provider. For a company of its own, such as a Microsoft tenant, use the option of its provider (`tenants`) in place of `emails.allow`.',
  },
  refused: {
    status: null,
    causes: ["The application's `onAdmission` called `refuse()`. The page shows its sentence."],
    fix: 'If the user should be able to sign in, change what `onAdmission` checks.',
  },
  sign_up_closed: {
    status: null,
    causes: ["The option `signUp` is `'closed'`, and the account has never signed in before."],
    fix: "Create the user's account first, or set `signUp` to `'open'`.",
  },
  user_banned: {
    status: null,
    causes: ['An administrator banned the user with `app.latchkey.users.ban()`.'],
    fix: 'To let the user sign in again, call `app.latchkey.users.unban()`.',
  },
  cross_site: {
    status: 403,
    causes: [
      'A page on another origin sent a request that changes something, or tried to open a WebSocket.',
      'The browser opened the application under an address other than `origin`, or a proxy changes the `Origin` or `Sec-Fetch-Site` header.',
      'A client other than a browser called a Latchkey route that changes something, but did not send an `Origin` header.',
    ],
    fix: "Set `origin` to the URL in the browser's address bar. With a front end's development server, that is the development server's URL.",
  },
  forbidden: {
    status: 403,
    causes: [
      "A guard's `check` did not return `true`.",
      'The URL that starts a sign-in was loaded in a frame or as an image. The page itself must navigate to it.',
      "One of the application's hooks rejected a request to Latchkey with 403.",
    ],
    fix: 'Check what `check` returns for this user. Start a sign-in with a link, a form or a popup, never in a frame.',
  },
  invalid_request: {
    status: 400,
    statusNote:
      'If Fastify or a hook sets a different 4xx status, such as 413, the response has that status.',
    causes: [
      'The `scope` of a sign-out is not `local`, `others` or `global`.',
      "The body is malformed or too large, or one of the application's hooks rejected the request with a 4xx status that does not have its own code.",
    ],
    fix: "Send what `@latchkey/contract` describes. Check which of the application's hooks also run for Latchkey's routes.",
  },
  not_found: {
    status: 404,
    causes: [
      'Latchkey has no route at this path. The front end and the server may have different `basePath`s.',
      'The session to revoke does not exist, or belongs to a different user.',
    ],
    fix: 'Give `<AuthProvider>` the same `basePath` as the server, and check whether a proxy strips part of the path.',
  },
  prefetch_refused: {
    status: 503,
    causes: ['The browser tried to prefetch or prerender the URL that starts a sign-in.'],
    fix: 'Nothing. The browser loads the page again when the user clicks the link.',
  },
  reauth_required: {
    status: 403,
    causes: ["The sign-in is older than the guard's `maxAge`."],
    fix: 'Have the user sign in again, then repeat the request. In React, use `signInUrl()` or `useSignIn()`.',
  },
  server_error: {
    status: 500,
    causes: [
      'Something failed unexpectedly, often in your own code: a hook, a provider or a store.',
    ],
    fix: 'Read the error in the log. The response never contains it. If the stack trace leads into Latchkey, please report the error.',
  },
  too_many_requests: {
    status: 429,
    causes: [
      "The application's rate limit, for example from `@fastify/rate-limit`, applies to Latchkey's routes.",
    ],
    fix: 'If users run into the limit, raise it for these routes.',
  },
  unauthenticated: {
    status: 401,
    causes: [
      'The request has no session cookie, or its session has ended.',
      'The browser sent the cookie to a server with a different `cookieName` or store.',
      'The front end calls a different origin, so the browser does not send the cookie.',
    ],
    fix: 'Let the user sign in. If users get this error right after a sign-in, check that `origin` matches the URL in the address bar of the browser, and that all servers have the same options.',
  },
  unavailable: {
    status: 503,
    causes: [
      'The store did not respond.',
      'Too many callbacks are waiting for the provider: `providerConcurrency` of them are in progress, and the queue is full. The queue has `providerConcurrency` places, but never more than 100.',
    ],
    fix: 'Check the `reason` in the log, and the database. Raise `providerConcurrency` only if the provider responds quickly.',
  },
} as const

/** The codes that `@latchkey/react` adds to the server's codes. */
export const kitCodes = {
  bad_answer: {
    status: null,
    causes: [
      "The response did not come from Latchkey. A proxy or the front end's own server responded instead, often with its index.html.",
      'The server has a version of Latchkey that is not compatible with the version of the React kit.',
    ],
    fix: 'Give `<AuthProvider>` the same `basePath` as the server, and make sure that the proxy forwards that path.',
  },
  unreachable: {
    status: null,
    causes: ['The browser is offline, or the server did not respond.'],
    fix: 'Check that the server is running, and that the proxy in front of it forwards the path.',
  },
} as const

/** Warnings and errors in the log that have no code of their own. */
export const logEntries = {
  account_data_missing: {
    line: 'sign-in warning',
    causes: [
      'The user is signed in, but the provider did not return all the data, such as the e-mail addresses, or it returned an account status that Latchkey does not know.',
    ],
    fix: 'The field `reason` says what is missing and how to get it. With Bitbucket, a scope is usually missing from the registration.',
  },
  development_defaults: {
    line: 'Latchkey runs in development with …',
    causes: ['Some options are missing, so Latchkey filled them in for development.'],
    fix: 'Nothing in development. In production, pass `origin`, `secret`, `providers` and `store`, and set `NODE_ENV=production`.',
  },
  discovery_failed: {
    line: 'discovery failed, the known document is kept',
    causes: [
      "The provider's discovery document could not be requested again, or has moved an endpoint to another host.",
    ],
    fix: 'The field `reason` names the cause. Users can still sign in with the known endpoints. If the provider has announced new endpoints, restart the server.',
  },
  host_rewritten: {
    line: 'Latchkey: a proxy in front of this server changes the `Host` header, …',
    causes: ['In development, a proxy replaces the `Host` header.'],
    fix: 'Make the proxy pass on the header, with `proxy_set_header Host $http_host;` in nginx or `changeOrigin: false` in Vite.',
  },
  listener_failed: {
    line: 'a Latchkey listener failed',
    causes: ['A function that was passed to `app.latchkey.on()` threw or rejected.'],
    fix: 'Fix the listener. The sign-in or sign-out that triggered it is not affected.',
  },
  looks_like_seconds: {
    line: 'postgres(): `…` is in milliseconds, and this looks like seconds.',
    causes: ['An option that is in milliseconds has a value from 1 to 60.'],
    fix: 'Multiply the value by 1000.',
  },
  notifications_missing: {
    line: 'PostgreSQL notifications are not arriving …',
    causes: [
      'The connection that listens for notifications was lost, or goes through a pooler that does not deliver them, such as PgBouncer in transaction mode.',
    ],
    fix: 'Sign-in and revocation keep working, but every request needs a query. If you use a pooler, pass `postgres()` a `listenUrl` that bypasses it.',
  },
  origin_mismatch: {
    line: 'Latchkey: a request came from a page at …, but `origin` is …',
    causes: [
      "In development, the browser opened the application under an address other than `origin`, usually the address of the front end's development server.",
    ],
    fix: 'Set `origin` to the URL in the address bar of the browser.',
  },
  proxy_ignored: {
    line: 'Latchkey: the environment variable … is ignored, …',
    causes: [
      '`HTTPS_PROXY` or `HTTP_PROXY` is set, but this version of Node does not support proxies for agents.',
    ],
    fix: 'Use Node 22.21, 24.5 or newer, and set `NODE_USE_ENV_PROXY=1`.',
  },
  return_to_changed: {
    line: 'Latchkey: `return_to` is …',
    causes: [
      'In development, `return_to` is not a page of the application, is the path of a Latchkey route, or is too long.',
    ],
    fix: 'Pass a path in your application, such as `/reports`. If the URL is too long, shorten it.',
  },
  row_unreadable: {
    line: 'The row with the id … in … cannot be read, …',
    causes: ['Something other than Latchkey wrote to its tables, or the database is damaged.'],
    fix: 'Correct or delete the row. Until you do, Latchkey treats it as missing.',
  },
  session_use_not_stored: {
    line: 'could not store when sessions were last used; retrying',
    causes: [
      'The store rejected a write or did not finish it. Only the times of last use are affected.',
    ],
    fix: "Check the database's disk, permissions and load. If the problem lasts longer than `idleTimeout`, sessions may expire early although they are in use.",
  },
} as const

type LogEntry = Pick<CodeEntry, 'causes' | 'fix'> & {
  /** How the line begins. */
  readonly line: string
}

/** The name of an entry in the reference. */
export type EntryName =
  | LatchkeyErrorCode
  | keyof typeof runtimeErrors
  | keyof typeof errorCodes
  | keyof typeof logEntries

/** An error code that a response can have. The other codes only result from a sign-in. */
export type ResponseCode = {
  [Code in ErrorCode]: (typeof errorCodes)[Code]['status'] extends number ? Code : never
}[ErrorCode]

// The types of the codes are inferred from the tables above, so those tables have no type annotations. The
// annotations here check that the tables are complete.
const errors: Readonly<Record<ErrorCode, CodeEntry>> = errorCodes
const mistakes: Readonly<Record<LatchkeyErrorCode, CodeEntry & { status: number }>> = latchkeyErrors

/** All tables in the reference, in the order in which they appear there. */
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

/** Returns the message with the address of its entry in the reference at the end. */
export function withReference(message: string, name: EntryName): string {
  return `${message.replace(/\.$/, '')}. See ${DOCS_URL}/reference/errors.md#${name.toLowerCase()}`
}
