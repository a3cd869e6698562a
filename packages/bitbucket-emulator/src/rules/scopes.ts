/**
 * The scopes that a Bitbucket consumer can have, each with its description on the consent page. The names are
 * from Atlassian's OpenAPI description, which still contains `issue`, `issue:write` and `wiki`, although
 * Bitbucket removed issues and wikis in August 2026.
 */
export const scopes: Readonly<Record<string, string>> = {
  account: 'Read your account information',
  'account:write': 'Change your account information',
  email: 'Read your e-mail addresses',
  team: 'See which workspaces you belong to',
  'team:write': 'Change the members of your workspaces',
  project: 'See your projects',
  'project:admin': 'Administer your projects',
  repository: 'Read your repositories',
  'repository:write': 'Change your repositories',
  'repository:admin': 'Administer your repositories',
  'repository:delete': 'Delete your repositories',
  pullrequest: 'Read your pull requests',
  'pullrequest:write': 'Open, change and merge your pull requests',
  issue: 'Read your issues',
  'issue:write': 'Open and change your issues',
  wiki: 'Read and change your wikis',
  webhook: 'Read and change your webhooks',
  snippet: 'Read your snippets',
  'snippet:write': 'Change your snippets',
  pipeline: 'See your pipelines',
  'pipeline:write': 'Start and stop your pipelines',
  'pipeline:variable': 'Change the variables of your pipelines',
  runner: 'See your pipeline runners',
  'runner:write': 'Change your pipeline runners',
  test: 'See your test results',
  'test:write': 'Change your test results',
}

/**
 * The other scopes that each scope includes, from https://developer.atlassian.com/cloud/bitbucket/rest/intro/#scopes.
 * `…:admin` does not include any.
 */
const included: Readonly<Record<string, readonly string[]>> = {
  'account:write': ['account'],
  'team:write': ['team'],
  'repository:write': ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write'],
  'issue:write': ['issue'],
  'snippet:write': ['snippet'],
  'pipeline:write': ['pipeline'],
  'runner:write': ['runner'],
  'test:write': ['test'],
}

/** Returns whether the `granted` scopes include the `required` one. */
export function allows(granted: readonly string[], required: string): boolean {
  return granted.some((scope) => scope === required || allows(included[scope] ?? [], required))
}
