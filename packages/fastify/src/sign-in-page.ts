import { createHash } from 'node:crypto'
import { type ErrorCode, errorSentences, paths } from '@latchkey/contract'
import type { Provider } from './provider.ts'
import { withQuery } from './return-to.ts'

const STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #172033; --quiet: #5b6478;
  --line: #d9dde5; --hover: #f3f5f9; --focus: #1868db; --bad: #ae2a19; --bad-back: #fff1ef; }
@media (prefers-color-scheme: dark) { :root { --page: #0e1116; --card: #171b22; --text: #e8ebf1;
  --quiet: #9aa4b5; --line: #2f3643; --hover: #1f2530; --focus: #85b8ff; --bad: #ffb3a8; --bad-back: #341a18; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px;
  background: var(--page); color: var(--text);
  font: 16px/1.5 ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { width: 100%; max-width: 400px; padding: 32px; background: var(--card);
  border: 1px solid var(--line); border-radius: 16px; box-shadow: 0 1px 2px #0f172a0d, 0 12px 32px #0f172a14; }
@media (max-width: 400px) { main { padding: 24px 20px; } }
h1 { margin: 0 0 24px; font-size: 22px; line-height: 1.3; letter-spacing: -0.015em; text-align: center; }
[role=alert] { margin: 0 0 20px; padding: 12px 14px; border-radius: 10px; background: var(--bad-back); color: var(--bad); }
[role=alert][data-code=access_denied] { background: var(--hover); color: inherit; }
ul { margin: 0; padding: 0; list-style: none; display: grid; gap: 12px; }
a { display: flex; align-items: center; justify-content: center; gap: 10px; min-height: 48px; padding: 10px 16px;
  border: 1px solid var(--line); border-radius: 10px; color: inherit; font-weight: 600; text-decoration: none; }
a:hover { background: var(--hover); }
a:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
small { padding: 1px 8px; border: 1px solid var(--line); border-radius: 99px; color: var(--quiet); font-weight: 500; }
svg { flex: none; width: 20px; height: 20px; }
`

const styleHash = createHash('sha256').update(STYLE).digest('base64')

/** No script, no other source, no frame around it. */
export const SIGN_IN_PAGE_CSP: string = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
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
}): string {
  const { start } = paths(page.basePath)
  const query: Record<string, string> = page.returnTo === '/' ? {} : { return_to: page.returnTo }
  const buttons = page.providers.map((provider) => {
    const url = withQuery(start(provider.id), query)
    const last = provider.id === page.lastUsed ? ' <small>Last used</small>' : ''
    return `<li><a href="${escapeHtml(url)}" rel="nofollow">${mark(provider)}<span>Continue with ${escapeHtml(provider.name)}</span>${last}</a></li>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Sign in</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Sign in</h1>
${alert(page.authError)}
<ul>
${buttons.join('\n')}
</ul>
</main>
</body>
</html>
`
}

/** What went wrong, in our own words: of what the query says, only a known code counts. */
function alert(authError: unknown): string {
  if (authError === undefined) return ''
  if (typeof authError !== 'string' || !Object.hasOwn(errorSentences, authError)) {
    return '<div role="alert">The sign-in did not work. Please try again.</div>'
  }
  const sentence = escapeHtml(errorSentences[authError as ErrorCode])
  return `<div role="alert" data-code="${authError}">${sentence}</div>`
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
