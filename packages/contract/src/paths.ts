/** Name of the `BroadcastChannel` that pages on the same origin use to announce sign-ins and sign-outs. */
export const channelName = 'latchkey'

/** The default base path of the server's routes. */
export const defaultBasePath = '/auth'

/** Every route, relative to the base path. The server mounts them, and the browser calls them. */
export const routes = {
  session: '/session',
  sessions: '/sessions',
  providers: '/providers',
  signIn: '/sign-in',
  signOut: '/sign-out',
  /** The last page of a popup sign-in. */
  popup: '/popup',
  /** Not available yet. */
  identities: '/identities',
  /** The user's own profile. `DELETE` is not available yet. */
  user: '/user',
  /** Not available yet. */
  userExport: '/user/export',
  /** One of the user's own sessions. `DELETE` revokes it. */
  oneSession: (id: string): string => `/sessions/${id}`,
  /** One of the user's own identities. `DELETE` removes it. Not available yet. */
  oneIdentity: (id: string): string => `/identities/${id}`,
  start: startRoute as (provider: string) => string,
  callback: (provider: string): string => `/${provider}/callback`,
  /** Not available yet. */
  link: (provider: string): string => `/${provider}/link`,
} as const

/** The first path segments that Latchkey uses or reserves. A provider's id cannot be one of them. */
export const reservedSegments: readonly string[] = [
  'session',
  'providers',
  'sign-in',
  'sign-out',
  'popup',
  'identities',
  'sessions',
  'user',
  // Reserved for later routes. A provider that used one of them would have to change its id, although identities store
  // it.
  'account',
  'device',
  'introspect',
  'invitation',
  'oauth',
  'token',
  'tokens',
  'try',
  'webhooks',
  '.well-known',
]

/**
 * Returns all routes as absolute paths, for a server mounted at `basePath`. A trailing slash is ignored.
 *
 * @example
 * const response = await fetch(paths('/auth').session)
 */
export function paths(basePath: string = defaultBasePath): Paths {
  const base = withoutSlash(basePath)
  const whole = Object.entries(routes).map(([name, route]) => [
    name,
    typeof route === 'string' ? base + route : (part: string) => base + route(part),
  ])
  return Object.fromEntries(whole)
}

/** The result of `paths()`. */
export type Paths = {
  readonly [Name in keyof typeof routes]: (typeof routes)[Name] extends string
    ? string
    : (part: string) => string
}

/**
 * Returns `paths(basePath).start(provider)`, without adding the other routes to the bundle.
 *
 * @example
 * startPath('bitbucket') // '/auth/bitbucket/start'
 */
export function startPath(provider: string, basePath: string = defaultBasePath): string {
  return withoutSlash(basePath) + startRoute(provider)
}

function startRoute(provider: string): string {
  return `/${provider}/start`
}

/** With base path `/`, `//session` would be a URL on the host `session`. */
function withoutSlash(basePath: string): string {
  return basePath.replace(/\/+$/, '')
}
