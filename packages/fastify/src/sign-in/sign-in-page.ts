import { type ErrorCode, errorSentence, errorSentences, paths, type User } from '@latchkey/contract'
import { withReturnTo } from '../http/return-to.ts'
import type { Provider } from '../providers/provider.ts'
import { escapeHtml, hostedPage, hostedPagePolicy } from './hosted-page.ts'

export const SIGN_IN_PAGE_CSP: string = hostedPagePolicy()

/** The hosted sign-in page: works without JavaScript, whatever the application's front end is. */
export function signInPage(page: {
  readonly basePath: string
  readonly providers: readonly Provider[]
  readonly lastUsed: string | null
  /** Already made safe. */
  readonly returnTo: string
  /** Untrusted: what the query says went wrong. */
  readonly authError: unknown
  /** Who is signed in already. */
  readonly user: User | null
}): string {
  const { providers, returnTo, user } = page
  const title = user === null ? 'Sign in' : 'You are signed in'
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

function buttons(page: Parameters<typeof signInPage>[0]): string {
  const { start } = paths(page.basePath)
  const items = page.providers.map((provider) => {
    const url = escapeHtml(withReturnTo(start(provider.id), page.returnTo))
    const last = provider.id === page.lastUsed ? '<small>Last used</small>' : ''
    return `<li><a class="button" href="${url}" rel="nofollow">${mark(provider)}<span>Continue with ${escapeHtml(provider.name)}</span></a>${last}</li>`
  })
  return `<ul>\n${items.join('\n')}\n</ul>`
}

function account(user: User, { basePath }: { readonly basePath: string }): string {
  const names = [user.name, user.email].flatMap((name) => name ?? [])
  const shown = names.map((name) => `<bdi>${escapeHtml(name)}</bdi>`).join('')
  return `${shown === '' ? '' : `<p class="who">${shown}</p>`}
<form method="post" action="${escapeHtml(paths(basePath).signOut)}"><button class="button">Sign out</button></form>`
}

/** What went wrong, in our own words: of what the query says, only a known code counts. */
export function alert(authError: unknown, providers: readonly Provider[]): string {
  if (authError === undefined || authError === null) return ''
  const code = knownCode(authError)
  if (code === null) return '<p role="alert">The sign-in did not work. Please try again.</p>'
  const [only] = providers.length === 1 ? providers : []
  return `<p role="alert" data-code="${code}">${escapeHtml(errorSentence(code, only?.name))}</p>`
}

/** A code that a query names, if it is one of ours. */
export function knownCode(untrusted: unknown): ErrorCode | null {
  const known = typeof untrusted === 'string' && Object.hasOwn(errorSentences, untrusted)
  return known ? (untrusted as ErrorCode) : null
}

function mark({ mark: { viewBox, paths: shapes } }: Provider): string {
  const drawn = shapes.map(
    ({ d, fill }) => `<path d="${escapeHtml(d)}" fill="${escapeHtml(fill ?? 'currentColor')}"/>`,
  )
  return `<svg viewBox="${escapeHtml(viewBox)}" aria-hidden="true">${drawn.join('')}</svg>`
}
