import { githubMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, serverUrl, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { List, Provider, Row } from './provider.ts'
import { read } from './read.ts'

/** The options of `github()`. */
export interface GitHubOptions extends CompanyOptions {
  /**
   * The URL of a GitHub Enterprise Server, such as `https://github.example.com`, or of an enterprise
   * at GHE.com, such as `https://example.ghe.com`.
   */
  readonly url?: string | undefined
}

const PUBLIC = 'https://github.com'

const HEADERS = {
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
}

/**
 * Returns GitHub, a GitHub Enterprise Server or an enterprise at GHE.com as a provider. Works with
 * OAuth apps and GitHub Apps.
 * https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
 * https://docs.github.com/apps/github-authentication-discovery-endpoints
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * github({
 *   clientId: process.env.GITHUB_CLIENT_ID,
 *   clientSecret: process.env.GITHUB_CLIENT_SECRET,
 * })
 */
export function github(options: GitHubOptions = {}): Provider {
  checkOptions('github', options, ['url'])
  const site = serverUrl('github', options.url, PUBLIC)
  const api = apiOf(site)

  return defineProvider({
    ...common(options, 'github', 'GitHub'),
    mark: githubMark,
    setup: setupOf('GITHUB', `${site}/settings/developers`),
    authorize: `${site}/login/oauth/authorize`,
    token: `${site}/login/oauth/access_token`,
    // Documented only for github.com. Other servers announce the wrong one.
    issuer: site === PUBLIC ? `${PUBLIC}/login/oauth` : undefined,
    clientAuth: 'post',
    scope: ['read:user', 'user:email'],
    vouchesForEmail: true,
    steps: {
      user: { url: `${api}/user`, headers: HEADERS },
      emails: {
        url: `${api}/user/emails?per_page=100`,
        headers: HEADERS,
        read: 'list',
        pages: 'link',
        isRow: hasFlags,
        isEnough: isPrimary,
        optional: 'e-mail addresses',
        fix: { 403: 'A GitHub App needs the account permission "Email addresses: Read-only".' },
      },
    },
    // The numeric id. A `login` can move to another person.
    isSubject: (subject) => /^\d+$/.test(subject),
    profile: ({ user, emails }) => ({
      subject: read.id(user.id),
      name: read.name(user.name, user.login),
      email: primaryAddress(emails),
      emailVerified: true,
      avatarUrl: read.url(user.avatar_url),
      active: read.text(user.suspended_at) == null,
      attributes: { login: read.text(user.login) },
    }),
  })
}

/** GHE.com has its API on a host of its own, and an Enterprise Server below a path. */
function apiOf(site: string): string {
  const { protocol, host } = new URL(site)
  const isHosted = site === PUBLIC || host.endsWith('.ghe.com')
  return isHosted ? `${protocol}//api.${host}` : `${site}/api/v3`
}

/** A row without its flags does not prove that there is no primary address. */
function hasFlags({ email, primary, verified }: Row): boolean {
  if (primary === true && verified === true && typeof email !== 'string') return false
  return typeof primary === 'boolean' && typeof verified === 'boolean'
}

function isPrimary({ primary, verified }: Row): boolean {
  return primary === true && verified === true
}

/** The public `email` of a profile is often missing and never marked as verified. */
function primaryAddress({ rows, complete }: List): string | null | undefined {
  const primary = rows.find(isPrimary)
  if (primary !== undefined) return read.email(primary.email)
  return complete ? null : undefined
}
