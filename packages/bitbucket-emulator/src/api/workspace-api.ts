import { type Answer, json, type Received } from '../http/http.ts'
import type { Workspace } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Access } from '../state/tokens.ts'
import { apiError, paginate, withScope } from './api.ts'

/**
 * `GET /2.0/user/workspaces`: the workspaces of whom the token belongs to; `?administrator=true` leaves
 * only those that they own. It takes the place of endpoints that are gone since April 2026.
 */
export function listWorkspaces(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('account', request, bitbucket, (access) => {
    const wanted = request.query.get('administrator')
    const theirs = bitbucket.workspaces.filter((workspace) => {
      const permission = permissionIn(workspace, access)
      return permission !== null && (wanted === null || wanted === String(permission === 'owner'))
    })
    return paginate(theirs, request, (workspace) => ({
      type: 'workspace_access',
      administrator: permissionIn(workspace, access) === 'owner',
      workspace: workspaceBody(workspace, request.origin),
    }))
  })
}

/** `GET /2.0/user/workspaces/{workspace}/permission`, by slug or uuid: the highest one they have. */
export function showPermission(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('account', request, bitbucket, (access) => {
    const asked = request.parameters.workspace
    const workspace = bitbucket.workspaces.find(
      ({ slug, uuid }) => slug === asked || uuid === asked,
    )
    const permission = workspace ? permissionIn(workspace, access) : null
    // [?] What Bitbucket says to those who are not members is not known.
    if (!workspace || permission === null) return apiError(404, 'Resource not found')
    return json(200, {
      type: 'workspace_membership',
      permission,
      workspace: workspaceBody(workspace, request.origin),
    })
  })
}

/** The endpoints across workspaces that were removed on 14 April 2026 (CHANGE-2770, CHANGE-3022). */
export function gone(): Answer {
  // [?] The body was not recorded.
  return apiError(410, 'Gone')
}

/** `GET /2.0/repositories`: what is left of it is the list of public ones, which is not emulated. */
export function listRepositories({ query }: Received): Answer {
  return query.has('role') ? gone() : apiError(404, 'Resource not found')
}

/** `GET /2.0/repositories/{workspace}/{repository}`: there are none. */
export function showRepository(request: Received, bitbucket: Bitbucket): Answer {
  const { workspace, repository } = request.parameters
  return withScope('repository', request, bitbucket, () =>
    apiError(404, `Repository ${workspace}/${repository} not found`),
  )
}

// [?] What an app user may do in the workspace that its client was registered in is not known.
function permissionIn(
  workspace: Workspace,
  { actsAs, consumer }: Access,
): 'owner' | 'member' | null {
  if (actsAs === 'app user') return consumer.workspace === workspace ? 'member' : null
  if (workspace.owners.includes(actsAs.nickname)) return 'owner'
  return workspace.members.includes(actsAs.nickname) ? 'member' : null
}

function workspaceBody({ uuid, name, slug }: Workspace, origin: string): object {
  return {
    type: 'workspace',
    uuid,
    name,
    slug,
    links: {
      self: { href: `${origin}/2.0/workspaces/${slug}` },
      html: { href: `https://bitbucket.org/${slug}/` },
    },
  }
}
