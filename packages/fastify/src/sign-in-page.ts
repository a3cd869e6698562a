import { createHash } from 'node:crypto'
import { type ErrorCode, errorSentence, errorSentences, paths, type User } from '@latchkey/contract'
import type { Provider } from './provider.ts'
import { withReturnTo } from './return-to.ts'

/** The values of the React kit's card, so that both look alike. */
const STYLE = `
:root { color-scheme: light dark; --page: #f7f7f8; --card: #ffffff; --text: #16181d; --muted: #5c6370;
  --wash: #f3f4f6; --border: #e3e5ea; --button: #ffffff; --hover: #f5f6f8; --edge: #cfd3da; --focus: #1868db;
  --bad: #a1201b; --bad-wash: #fdf1f0; --shadow: 0 1px 2px rgb(16 20 32 / 5%), 0 12px 32px -12px rgb(16 20 32 / 14%); }
@media (prefers-color-scheme: dark) { :root { --page: #101215; --card: #191b20; --text: #eceef2; --muted: #a2a9b5;
  --wash: #262930; --border: #2e323a; --button: #23262d; --hover: #2c3038; --edge: #434954; --focus: #6ea8fe;
  --bad: #ffb3ac; --bad-wash: #3a1d1c; --shadow: 0 1px 2px rgb(0 0 0 / 30%), 0 16px 40px -12px rgb(0 0 0 / 60%); } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-content: center; justify-items: center;
  grid-template-columns: minmax(0, 24rem); gap: 1.25rem; padding: 1.5rem 1rem; background: var(--page); color: var(--text);
  font: 0.9375rem/1.4 ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
main { display: grid; gap: 1.25rem; width: 100%; padding: clamp(1.25rem, 8%, 2rem); background: var(--card);
  border: 1px solid var(--border); border-radius: 12px; box-shadow: var(--shadow); }
h1 { margin: 0; font-size: 1.25rem; font-weight: 600; letter-spacing: -0.011em; line-height: 1.3; text-align: center; }
p { margin: 0; }
[role=alert] { padding: 0.625rem 0.875rem; border-radius: 8px; background: var(--bad-wash); color: var(--bad);
  font-size: 0.875rem; line-height: 1.45; }
[role=alert][data-code=access_denied] { background: var(--wash); color: inherit; }
ul { display: grid; gap: 0.75rem; margin: 0; padding: 0; list-style: none; }
li { position: relative; display: grid; }
.button { display: flex; align-items: center; justify-content: center; gap: 0.625rem; width: 100%; min-height: 44px;
  padding: 0.5rem 1rem; border: 1px solid var(--edge); border-radius: 8px; background: var(--button); color: inherit;
  font: inherit; font-weight: 500; text-decoration: none; box-shadow: 0 1px 2px rgb(16 20 32 / 5%); cursor: pointer; }
.button:hover { background: var(--hover); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.button:focus-visible { border-radius: 8px; }
small { position: absolute; top: 0; right: 0.75rem; translate: 0 -50%; padding: 0.0625rem 0.4375rem; border: 1px solid var(--edge);
  border-radius: 1rem; background: var(--card); color: var(--muted); font-size: 0.75rem; font-weight: 500; white-space: nowrap; }
svg { flex: none; width: 1.25rem; height: 1.25rem; }
.who { padding: 0.75rem; border-radius: 8px; background: var(--wash); text-align: center; }
.who bdi { display: block; font-weight: 600; }
.who bdi + bdi { color: var(--muted); font-size: 0.875rem; font-weight: 400; }
.back { display: inline-flex; align-items: center; min-height: 44px; padding: 0 0.5rem; color: var(--muted); }
`

const styleHash = createHash('sha256').update(STYLE).digest('base64')

/** No script, no other source, no frame around it. */
export const SIGN_IN_PAGE_CSP: string = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${alert(page.authError, providers)}
${user === null ? buttons(page) : account(user, page)}
</main>
<footer>${user === null ? '<a class="back" href="/">Back to the front page</a>' : `<a class="back" href="${escapeHtml(returnTo)}">Continue</a>`}</footer>
</body>
</html>
`
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
function alert(authError: unknown, providers: readonly Provider[]): string {
  if (authError === undefined) return ''
  if (typeof authError !== 'string' || !Object.hasOwn(errorSentences, authError)) {
    return '<p role="alert">The sign-in did not work. Please try again.</p>'
  }
  const [only] = providers.length === 1 ? providers : []
  const sentence = escapeHtml(errorSentence(authError as ErrorCode, only?.name))
  return `<p role="alert" data-code="${authError}">${sentence}</p>`
}

function mark({ mark: { viewBox, paths: shapes } }: Provider): string {
  const drawn = shapes.map(
    ({ d, fill }) => `<path d="${escapeHtml(d)}" fill="${escapeHtml(fill ?? 'currentColor')}"/>`,
  )
  return `<svg viewBox="${escapeHtml(viewBox)}" aria-hidden="true">${drawn.join('')}</svg>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
