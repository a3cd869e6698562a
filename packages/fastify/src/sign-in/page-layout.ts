import { createHash } from 'node:crypto'

/** The same values as the card of the React kit, so that both look alike. */
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
/* The marks of several providers are aligned. */
li:not(:only-child) .button { justify-content: start; }
.who { padding: 0.75rem; border-radius: 8px; background: var(--wash); text-align: center; }
.who bdi { display: block; font-weight: 600; }
.who bdi + bdi { color: var(--muted); font-size: 0.875rem; font-weight: 400; }
.said { text-align: center; }
.back { display: inline-flex; align-items: center; min-height: 44px; padding: 0 0.5rem; color: var(--muted); }
`

/** The parts of a page that Latchkey serves. All of them must be HTML already. */
export interface HostedPage {
  readonly title: string
  readonly main: string
  readonly footer: string
  /** A script that the page's policy allows. */
  readonly script?: string
}

/** Returns the HTML of a page that Latchkey serves. */
export function hostedPage({ title, main, footer, script }: HostedPage): string {
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
${main}
</main>
<footer>${footer}</footer>
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`
}

/** Returns a Content-Security-Policy that allows only the page's own style and `script`, and no frames around it. */
export function hostedPagePolicy(script?: string): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    ...(script === undefined ? [] : [`script-src '${hashOf(script)}'`]),
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
