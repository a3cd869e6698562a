/** The `BroadcastChannel` on which pages of one origin tell each other of sign-ins. */
export const channelName = 'latchkey'

/** Where the server's routes are unless the application says otherwise. */
export const defaultBasePath = '/auth'

/** Every route under the base path. The server mounts these; the browser calls them. */
export const routes = {
  session: '/session',
  sessions: '/sessions',
  providers: '/providers',
  signIn: '/sign-in',
  signOut: '/sign-out',
  /** Last page of a sign-in in a popup. */
  popup: '/popup',
  identities: '/identities',
  /** The person's own profile. `DELETE` is answered with 204, once it is done, as wherever it is allowed. */
  user: '/user',
  userExport: '/user/export',
  /** One of the person's own sessions, to end it. */
  oneSession: (id: string): string => `/sessions/${id}`,
  /** One of the person's own identities, to remove it. */
  oneIdentity: (id: string): string => `/identities/${id}`,
  start: startRoute as (provider: string) => string,
  callback: (provider: string): string => `/${provider}/callback`,
  link: (provider: string): string => `/${provider}/link`,
} as const

/** The first segments that belong to Latchkey itself, so that no provider can be called by one. */
export const reservedSegments: readonly string[] = [
  'session',
  'providers',
  'sign-in',
  'sign-out',
  'popup',
  'identities',
  'sessions',
  'user',
  // Not used yet. A provider with such an id would have to change it one day, and people's identities with it.
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

/** The same routes as whole paths, for a server mounted at `basePath`; a slash at its end is ignored. */
export function paths(basePath: string = defaultBasePath): Paths {
  const base = withoutSlash(basePath)
  const whole = Object.entries(routes).map(([name, route]) => [
    name,
    typeof route === 'string' ? base + route : (part: string) => base + route(part),
  ])
  return Object.fromEntries(whole)
}

export type Paths = {
  readonly [Name in keyof typeof routes]: (typeof routes)[Name] extends string
    ? string
    : (part: string) => string
}

/** `paths(basePath).start(provider)`, for a page that needs no other and shall not load them. */
export function startPath(provider: string, basePath: string = defaultBasePath): string {
  return withoutSlash(basePath) + startRoute(provider)
}

function startRoute(provider: string): string {
  return `/${provider}/start`
}

/** `//session` would be another host. */
function withoutSlash(basePath: string): string {
  return basePath.replace(/\/+$/, '')
}
