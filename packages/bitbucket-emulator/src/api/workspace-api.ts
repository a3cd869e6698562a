import { type Answer, json, type Received } from '../http/http.ts'
import type { Workspace } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { Access } from '../state/tokens.ts'
import { apiError, notEmulated, paginate, paging, withScope } from './api.ts'
import { accountBody } from './user-api.ts'

/**
 * `GET /2.0/user/workspaces`: the account's workspaces. `?administrator=true` returns only those that the
 * account owns. It replaces endpoints that were removed in April 2026.
 */
export function listWorkspaces(request: Received, bitbucket: Bitbucket): Answer {
  const parameters = [...paging, 'administrator']
  return withScope('account', request, bitbucket, parameters, (access) => {
    const wanted = request.query.get('administrator')
    // [?] The status is from Atlassian's OpenAPI description. The text is ours.
    if (!/^(true|false)$/.test(wanted ?? 'true')) return apiError(400, 'Invalid administrator')
    const theirs = bitbucket.workspaces.filter((workspace) => {
      const role = roleIn(workspace, access)
      return role !== null && (wanted === null || wanted === String(role === 'owner'))
    })
    return paginate(theirs, request, (workspace) => ({
      type: 'workspace_access',
      administrator: roleIn(workspace, access) === 'owner',
      workspace: {
        type: 'workspace_base',
        uuid: workspace.uuid,
        slug: workspace.slug,
        links: baseLinks(workspace, request.origin),
      },
    }))
  })
}

/** `GET /2.0/user/workspaces/{workspace}/permission`: the account's highest role, by slug or uuid. */
export function showPermission(request: Received, bitbucket: Bitbucket): Answer {
  return withScope('account', request, bitbucket, [], (access) => {
    const asked = request.parameters.workspace
    const workspace = bitbucket.workspaces.find(
      ({ slug, uuid }) => slug === asked || uuid === asked,
    )
    const permission = workspace ? roleIn(workspace, access) : null
    // The status is from Atlassian's OpenAPI description. The text is ours. [?] The description has no separate
    // response for an unknown workspace.
    if (!workspace || permission === null) {
      return apiError(403, 'You do not have access to this workspace.')
    }
    const user = accountBody(access, request.origin)
    return json(200, {
      type: 'workspace_membership',
      permission,
      user,
      workspace: workspaceBody(workspace, request.origin),
      links: { self: { href: `${request.origin}${request.path}` } },
    })
  })
}

const announcement = {
  announcement_url: 'https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770',
}

/**
 * Responds to requests for the cross-workspace endpoints, which were removed on 14 April 2026 (CHANGE-2770,
 * CHANGE-3022).
 */
export function gone(): Answer {
  return json(410, {
    type: 'error',
    error: {
      message: 'CHANGE-2770 - Functionality has been deprecated',
      detail: 'Please read the changelog entry for more details.',
      data: announcement,
    },
    data: announcement,
  })
}

/** `GET /2.0/repositories`: only the list of public repositories still exists in Bitbucket. It is not emulated. */
export function listRepositories({ query }: Received): Answer {
  return query.has('role') ? gone() : notEmulated('the list of public repositories')
}

/** `GET /2.0/repositories/{workspace}/{repository}`: never found, because the emulator has no repositories. */
export function showRepository(request: Received, bitbucket: Bitbucket): Answer {
  const { workspace, repository } = request.parameters
  return withScope('repository', request, bitbucket, [], () =>
    apiError(404, `Repository ${workspace}/${repository} not found`),
  )
}

type Role = 'owner' | 'create-project' | 'member'

// [?] The role of an app user in the workspace where its client was registered is unknown.
function roleIn(workspace: Workspace, { actsAs, consumer }: Access): Role | null {
  if (actsAs === 'app user') return consumer.workspace === workspace ? 'member' : null
  const { nickname } = actsAs
  if (workspace.owners.includes(nickname)) return 'owner'
  if (workspace.projectCreators.includes(nickname)) return 'create-project'
  return workspace.members.includes(nickname) ? 'member' : null
}

function workspaceBody(workspace: Workspace, origin: string): object {
  const { uuid, name, slug } = workspace
  return {
    type: 'workspace',
    uuid,
    name,
    slug,
    is_private: true,
    created_on: '2018-11-14T19:15:05.058566+00:00',
    links: {
      ...baseLinks(workspace, origin),
      html: { href: `https://bitbucket.org/${slug}/` },
      members: { href: `${origin}/2.0/workspaces/${slug}/members` },
      owners: { href: `${origin}/2.0/workspaces/${slug}/members?q=permission%3D%22owner%22` },
      projects: { href: `${origin}/2.0/workspaces/${slug}/projects` },
      repositories: { href: `${origin}/2.0/repositories/${slug}` },
      snippets: { href: `${origin}/2.0/snippets/${slug}` },
    },
  }
}

function baseLinks({ slug }: Workspace, origin: string): object {
  return {
    avatar: { href: `https://bitbucket.org/workspaces/${slug}/avatar/` },
    self: { href: `${origin}/2.0/workspaces/${slug}` },
  }
}
