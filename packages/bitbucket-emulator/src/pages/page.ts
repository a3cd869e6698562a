// The emulators' pages. This room promises: a plain string cannot become HTML, and a page runs no script and loads
// nothing from another origin.

import { createHash } from 'node:crypto'
import type { Answer } from '../http/http.ts'
import { style } from './page-style.ts'

/** A string of trusted HTML. */
export interface Markup {
  readonly markup: string
}

/** Returns HTML in which every plain string is escaped. `Markup` is inserted unchanged. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | Markup | readonly Markup[])[]
): Markup {
  const written = values.map((value) => {
    if (typeof value === 'string') return escapeHtml(value)
    return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('\n')
  })
  return { markup: String.raw({ raw: strings }, ...written) }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

// There is no form-action, because browsers also apply it to the redirect after a form is posted, and the consent form
// redirects to the client's own site.
const contentSecurityPolicy = [
  `default-src 'none'`,
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  `base-uri 'none'`,
  `frame-ancestors 'none'`,
].join('; ')

// A data URL, so that no request for /favicon.ico appears in the log that tests read.
const icon =
  'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"%3E%3Crect width="16" height="16" rx="4" fill="%23f2b824"/%3E%3Cpath d="M6 4.5 2.8 8 6 11.5M10 4.5 13.2 8 10 11.5" fill="none" stroke="%23241c05" stroke-width="1.8"/%3E%3C/svg%3E'

/** The pages of one emulator. */
export interface Pages {
  /** Returns a complete page, with the banner that identifies the emulator. */
  page(status: number, title: string, content: Markup): Answer
  /** Returns a page with a heading and a few paragraphs. */
  message(status: number, title: string, ...paragraphs: readonly string[]): Answer
}

/** Creates the pages of an emulator with this name, such as `Bitbucket emulator`. */
export function createPages(emulator: string): Pages {
  function page(status: number, title: string, content: Markup): Answer {
    const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${emulator}</title>
<link rel="icon" href="${icon}">
<style>${{ markup: style }}</style>
</head>
<body>
<header class="banner"><p><strong>${emulator}</strong> – for development</p></header>
<main>
${content}
</main>
</body>
</html>
`
    return {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': contentSecurityPolicy,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      },
      body: markup,
    }
  }

  return {
    page,
    message: (status, title, ...paragraphs) =>
      page(
        status,
        title,
        html`<section class="card message">
<h1>${title}</h1>
${paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
</section>`,
      ),
  }
}

const pages = createPages('Bitbucket emulator')

export const page: Pages['page'] = pages.page
export const message: Pages['message'] = pages.message
