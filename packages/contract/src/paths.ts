/** Where the server's routes are unless the application says otherwise. */
export const defaultBasePath = '/auth'

/** Every route under the base path. The server mounts these; the browser calls them. */
export const routes = {
  session: '/session',
  sessions: '/sessions',
  providers: '/providers',
  signIn: '/sign-in',
  signOut: '/sign-out',
  /** One of the person's own sessions, to end it. */
  oneSession: (id: string): string => `/sessions/${id}`,
  start: (provider: string): string => `/${provider}/start`,
  callback: (provider: string): string => `/${provider}/callback`,
} as const

/** The first segments that belong to Latchkey itself, so that no provider can be called by one. */
export const reservedSegments: readonly string[] = [
  'session',
  'providers',
  'sign-in',
  'sign-out',
  'identities',
  'sessions',
  'user',
]

/** The same routes as whole paths, for a server mounted at `basePath`; a slash at its end is ignored. */
export function paths(basePath: string = defaultBasePath): {
  readonly session: string
  readonly sessions: string
  readonly providers: string
  readonly signIn: string
  readonly signOut: string
  oneSession(id: string): string
  start(provider: string): string
  callback(provider: string): string
} {
  // `//session` would be another host.
  const base = basePath.replace(/\/+$/, '')
  return {
    session: base + routes.session,
    sessions: base + routes.sessions,
    providers: base + routes.providers,
    signIn: base + routes.signIn,
    signOut: base + routes.signOut,
    oneSession: (id) => base + routes.oneSession(id),
    start: (provider) => base + routes.start(provider),
    callback: (provider) => base + routes.callback(provider),
  }
}
