import { slackMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'

/**
 * Returns Slack as a provider. Addresses never count as verified, because the administrators of a
 * Slack workspace can change those of its members.
 * https://docs.slack.dev/authentication/sign-in-with-slack/
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * slack({
 *   clientId: process.env.SLACK_CLIENT_ID,
 *   clientSecret: process.env.SLACK_CLIENT_SECRET,
 * })
 */
export function slack(options: CompanyOptions = {}): Provider {
  checkOptions('slack', options)

  return defineProvider({
    ...common(options, 'slack', 'Slack'),
    mark: slackMark,
    setup: setupOf('SLACK', 'https://api.slack.com/apps'),
    openid: { issuer: 'https://slack.com', wanted: ['name', 'email', 'picture'] },
    clientAuth: 'post',
    // Slack offers it only to public clients: https://docs.slack.dev/authentication/using-pkce
    pkce: false,
    scope: ['openid', 'profile', 'email'],
    vouchesForEmail: false,
    // The id of a person differs between workspaces.
    isSubject: (subject) => /^T[A-Z0-9]+\.[UW][A-Z0-9]+$/.test(subject),
    profile: ({ claims }) => ({
      subject: `${claims['https://slack.com/team_id']}.${claims['https://slack.com/user_id']}`,
      name: read.text(claims.name),
      email: read.email(claims.email),
      avatarUrl: read.url(claims.picture),
      attributes: { team: read.text(claims['https://slack.com/team_id']) },
    }),
  })
}
