import { createHash } from 'node:crypto'
import {
  type Answer,
  createPages,
  html,
  type Pages,
} from '@latchkey/bitbucket-emulator/building-blocks'

/** Returns the pages that name an emulated provider. */
export function pagesOf(provider: string): Pages {
  return createPages(`${provider} emulator`)
}

/** The pages that belong to no provider. */
export const generalPages: Pages = createPages('Provider emulator')

const submit = 'document.forms[0].submit()'
const scriptSource = `'sha256-${createHash('sha256').update(submit).digest('base64')}'`

/**
 * Returns a page that posts fields to the application without a click (OAuth 2.0 Form Post Response Mode). Without
 * JavaScript, it shows a button.
 */
export function formPost(
  { page }: Pages,
  action: string,
  fields: Readonly<Record<string, string>>,
): Answer {
  const answer = page(
    200,
    'Continue to the application',
    html`<form class="card message" method="post" action="${action}">
<h1>Continue to the application</h1>
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button>Continue</button>
</form>
<script>${{ markup: submit }}</script>`,
  )
  const policy = `${answer.headers['content-security-policy']}; script-src ${scriptSource}`
  return { ...answer, headers: { ...answer.headers, 'content-security-policy': policy } }
}
