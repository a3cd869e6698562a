import { paths, type User } from '@latchkey/contract'
import { withReturnTo } from '../http/return-to.ts'
import type { Provider } from '../providers/provider.ts'
import { alert } from './auth-error.ts'
import { escapeHtml, hostedPage, hostedPagePolicy } from './page-layout.ts'

export const SIGN_IN_PAGE_CSP: string = hostedPagePolicy()

export interface SignInPage {
  readonly basePath: string
  readonly providers: readonly Provider[]
  readonly lastUsed: string | null
  /** Already made safe. */
  readonly returnTo: string
  /** Untrusted: what the query says went wrong. */
  readonly authError: unknown
  /** Who is signed in already. */
  readonly user: User | null
}

/** The hosted sign-in page: works without JavaScript, whatever the application's front end is. */
export function signInPage(page: SignInPage): string {
  const { providers, returnTo, user } = page
  const title = user === null ? 'Sign in' : "You're signed in"
  return hostedPage({
    title,
    main: `${alert(page.authError, providers)}
${user === null ? buttons(page) : account(user, page)}`,
    footer:
      user === null
        ? '<a class="back" href="/">Back to the front page</a>'
        : `<a class="back" href="${escapeHtml(returnTo)}">Continue</a>`,
  })
}

function buttons(page: SignInPage): string {
  const { start } = paths(page.basePath)
  const items = page.providers.map((provider) => {
    const url = escapeHtml(withReturnTo(start(provider.id), page.returnTo))
    const last = provider.id === page.lastUsed ? '<small>Last used</small>' : ''
    return `<li><a class="button" href="${url}" rel="nofollow">${mark(provider)}<span>Continue with ${escapeHtml(provider.name)}</span></a>${last}</li>`
  })
  return `<ul>\n${items.join('\n')}\n</ul>`
}

function account(user: User, { basePath }: SignInPage): string {
  const names = [user.name, user.email].flatMap((name) => name ?? [])
  const shown = names.map((name) => `<bdi>${escapeHtml(name)}</bdi>`).join('')
  return `${shown === '' ? '' : `<p class="who">${shown}</p>`}
<form method="post" action="${escapeHtml(paths(basePath).signOut)}"><button class="button">Sign out</button></form>`
}

function mark({ mark: { viewBox, paths: shapes } }: Provider): string {
  const drawn = shapes.map(
    ({ d, fill }) => `<path d="${escapeHtml(d)}" fill="${escapeHtml(fill ?? 'currentColor')}"/>`,
  )
  return `<svg viewBox="${escapeHtml(viewBox)}" aria-hidden="true">${drawn.join('')}</svg>`
}
