import { gitlabMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, serverUrl, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'

const PUBLIC = 'https://gitlab.com'

/** The options of `gitlab()`. */
export interface GitLabOptions extends CompanyOptions {
  /** The URL of a self-managed GitLab, such as `https://gitlab.example.com`. */
  readonly url?: string | undefined
  /**
   * Whether confirmed addresses count as verified. Default: only those of gitlab.com. A self-managed
   * GitLab can be set to confirm addresses without a message to them.
   */
  readonly vouchesForEmail?: boolean | undefined
}

/**
 * Returns GitLab, or a self-managed GitLab, as a provider.
 * https://docs.gitlab.com/integration/oauth_provider/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * gitlab({
 *   clientId: process.env.GITLAB_CLIENT_ID,
 *   clientSecret: process.env.GITLAB_CLIENT_SECRET,
 * })
 */
export function gitlab(options: GitLabOptions = {}): Provider {
  checkOptions('gitlab', options, ['url', 'vouchesForEmail'])
  const site = serverUrl('gitlab', options.url, PUBLIC)

  return defineProvider({
    ...common(options, 'gitlab', 'GitLab'),
    mark: gitlabMark,
    setup: setupOf('GITLAB', `${site}/-/user_settings/applications`),
    authorize: `${site}/oauth/authorize`,
    token: `${site}/oauth/token`,
    scope: ['read_user'],
    vouchesForEmail: options.vouchesForEmail ?? site === PUBLIC,
    steps: { user: { url: `${site}/api/v4/user` } },
    isSubject: (subject) => /^\d+$/.test(subject),
    profile: ({ user }) => ({
      subject: read.id(user.id),
      name: read.name(user.name, user.username),
      email: read.email(user.email),
      emailVerified: typeof user.confirmed_at === 'string',
      avatarUrl: read.url(user.avatar_url),
      active: user.state === 'active' && user.locked !== true,
      attributes: { username: read.text(user.username) },
    }),
  })
}
