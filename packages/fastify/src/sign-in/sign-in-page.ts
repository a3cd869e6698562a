import { paths, type User } from '@latchkey/contract'
import { withReturnTo } from '../http/return-to.ts'
import type { Provider } from '../providers/provider.ts'
import { alert } from './auth-error.ts'
import { escapeHtml, hostedPage, hostedPagePolicy } from './page-layout.ts'

export const SIGN_IN_PAGE_CSP: string = hostedPagePolicy()

/** The data of the hosted sign-in page. */
export interface SignInPage {
  readonly basePath: string
  readonly providers: readonly Provider[]
  /** The id of the provider with which this browser last signed in, or `null`. */
  readonly lastUsed: string | null
  /** A path that was already validated. */
  readonly returnTo: string
  /** The untrusted error code in the query. */
  readonly authError: unknown
  /** The application's sentence about a refused sign-in, or `null`. */
  readonly refusal: string | null
  /** The signed-in user, or `null`. */
  readonly user: User | null
}

/** Returns the hosted sign-in page, which works without JavaScript and with any front end. */
export function signInPage(page: SignInPage): string {
  const { providers, returnTo, user } = page
  const title = user === null ? 'Sign in' : "You're signed in"
  return hostedPage({
    title,
    main: `${alert(page.authError, providers, page.refusal)}
${user === null ? buttons(page) : account(user, page)}`,
    footer:
      user === null
        ? '<a class="back" href="/">Back to the home page</a>'
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
