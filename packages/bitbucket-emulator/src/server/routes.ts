import { apiError, notEmulated } from '../api/api.ts'
import { forbidden, listEmails, showEmail, showUser } from '../api/user-api.ts'
import {
  gone,
  listRepositories,
  listWorkspaces,
  showPermission,
  showRepository,
} from '../api/workspace-api.ts'
import type { Answer, Received } from '../http/http.ts'
import { exchange } from '../oauth/access-token.ts'
import { decide, showConsent } from '../oauth/authorize.ts'
import { message } from '../pages/page.ts'
import type { Bitbucket } from '../state/bitbucket.ts'

/** A route of the emulator, as method and path. `answerNext` accepts it. */
export type Route =
  | 'GET /site/oauth2/authorize'
  | 'POST /site/oauth2/authorize'
  | 'POST /site/oauth2/access_token'
  | 'GET /2.0/user'
  | 'GET /2.0/user/emails'
  | 'GET /2.0/user/emails/{email}'
  | 'GET /2.0/user/workspaces'
  | 'GET /2.0/user/workspaces/{workspace}/permission'
  | 'GET /2.0/repositories'
  | 'GET /2.0/repositories/{workspace}/{repository}'
  | 'GET /2.0/workspaces'
  | 'GET /2.0/user/permissions/workspaces'
  | 'GET /2.0/user/permissions/repositories'
  | 'GET /user'

type Handler = (request: Received, bitbucket: Bitbucket) => Answer

const handlers = new Map<Route, Handler>([
  ['GET /site/oauth2/authorize', showConsent],
  ['POST /site/oauth2/authorize', decide],
  ['POST /site/oauth2/access_token', exchange],
  ['GET /2.0/user', showUser],
  ['GET /2.0/user/emails', listEmails],
  ['GET /2.0/user/emails/{email}', showEmail],
  ['GET /2.0/user/workspaces', listWorkspaces],
  ['GET /2.0/user/workspaces/{workspace}/permission', showPermission],
  ['GET /2.0/repositories', listRepositories],
  ['GET /2.0/repositories/{workspace}/{repository}', showRepository],
  ['GET /2.0/workspaces', gone],
  ['GET /2.0/user/permissions/workspaces', gone],
  ['GET /2.0/user/permissions/repositories', gone],
  ['GET /user', forbidden],
])

export const routeNames: readonly Route[] = [...handlers.keys()]

export function isRoute(name: string): name is Route {
  return routeNames.some((route) => route === name)
}

/** Returns the route of a request, or the methods that its path allows (none if the path is unknown). */
export function findRoute(
  method: string,
  path: string,
):
  | { route: Route; handle: Handler; parameters: Readonly<Record<string, string>> }
  | { allowed: readonly string[] } {
  const allowed: string[] = []
  for (const [route, handle] of handlers) {
    const [ownMethod = '', template = ''] = route.split(' ')
    const parameters = matchPath(template, path)
    if (!parameters) continue
    // node:http omits the body of a response to HEAD.
    const methods = ownMethod === 'GET' ? ['GET', 'HEAD'] : [ownMethod]
    if (methods.includes(method)) return { route, handle, parameters }
    allowed.push(...methods)
  }
  return { allowed }
}

/** Returns the response to a request that matches no route. */
export function noRoute(path: string, allowed: readonly string[]): Answer {
  const isApi = path.startsWith('/2.0/')
  if (isElsewhere(path)) return notEmulated('this path or this method')
  if (allowed.length > 0) {
    const allow = allowed.join(', ')
    const answer = isApi
      ? apiError(405, 'Method not allowed')
      : message(405, 'Method not allowed', `This URL allows ${allow}.`)
    return { ...answer, headers: { ...answer.headers, allow } }
  }
  return isApi
    ? apiError(404, 'Resource not found', noApi)
    : message(404, 'Page not found', `The emulator has these routes: ${routeNames.join(', ')}.`)
}

/**
 * Returns whether Bitbucket has endpoints at or below this path that the emulator lacks. For such a path, Bitbucket's
 * "There is no API hosted at this URL" would be untrue.
 */
function isElsewhere(path: string): boolean {
  const groups =
    /^\/2\.0\/(addon|hook_events|pullrequests|repositories|snippets|users|workspaces)(\/|$)/
  return groups.test(path) || /^\/2\.0\/user\/workspaces\/[^/]+\/permissions\//.test(path)
}

const noApi = `There is no API hosted at this URL.

For information about our API's, please refer to the documentation at: https://developer.atlassian.com/bitbucket/api/2/reference/`

/** Returns the decoded `{placeholders}` of `template`, or `null` if `path` does not match it. */
function matchPath(template: string, path: string): Readonly<Record<string, string>> | null {
  const names = template.split('/')
  const segments = path.split('/')
  if (names.length !== segments.length) return null
  const parameters: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const segment = segments[index] ?? ''
    if (name.startsWith('{')) {
      const value = decode(segment)
      if (value === null || value === '') return null
      parameters[name.slice(1, -1)] = value
    } else if (name !== segment) return null
  }
  return parameters
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
