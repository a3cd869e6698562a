import { atlassianMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'

/**
 * Returns a provider for Atlassian accounts, which are used by Jira and Confluence. For Bitbucket, use
 * `bitbucket()`. Atlassian does not document whether an address is verified.
 * https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * atlassian({
 *   clientId: process.env.ATLASSIAN_CLIENT_ID,
 *   clientSecret: process.env.ATLASSIAN_CLIENT_SECRET,
 * })
 */
export function atlassian(options: CompanyOptions = {}): Provider {
  checkOptions('atlassian', options)

  return defineProvider({
    ...common(options, 'atlassian', 'Atlassian'),
    mark: atlassianMark,
    setup: setupOf('ATLASSIAN', 'https://developer.atlassian.com/console/myapps'),
    authorize: 'https://auth.atlassian.com/authorize',
    token: 'https://auth.atlassian.com/oauth/token',
    clientAuth: 'post',
    scope: ['read:me'],
    authorizeParameters: {
      audience: 'api.atlassian.com',
      prompt: 'consent',
      ...options.authorizeParameters,
    },
    vouchesForEmail: false,
    steps: {
      me: {
        url: 'https://api.atlassian.com/me',
        fix: { 403: 'Add the User identity API with the scope read:me to the app.' },
      },
    },
    profile: ({ me }) => ({
      subject: read.id(me.account_id),
      name: read.name(me.name, me.nickname),
      email: read.email(me.email),
      avatarUrl: read.url(me.picture),
      active: me.account_status === undefined || me.account_status === 'active',
      attributes: { nickname: read.text(me.nickname) },
    }),
  })
}
