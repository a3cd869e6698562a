import { channelName, type PopupMessage } from '@latchkey/contract'
import type { Provider } from '../providers/provider.ts'
import { alert } from './auth-error.ts'
import { escapeHtml, hostedPage, hostedPagePolicy } from './page-layout.ts'

/**
 * Tells the page that opened this window, and goes. A channel, as the `opener` is gone once the provider
 * isolates itself (https://html.spec.whatwg.org/#cross-origin-opener-policies), and because it reaches no
 * other origin. What the address said is wiped off: nobody needs it again. The window may go before the
 * message has, so it waits. Either can be blocked in a browser. A window that cannot report stays open, and says
 * how to go on.
 */
const SCRIPT = `
const { popup, error, returnTo } = document.querySelector('#outcome').dataset
function attempt(use) {
  try {
    use()
  } catch {}
}
attempt(() => history.replaceState(null, '', location.pathname))
if (popup) {
  attempt(() => {
    new BroadcastChannel('${channelName}').postMessage({ type: 'popup', popup, error: error || null, returnTo })
    setTimeout(() => window.close(), 100)
  })
}
`

export const POPUP_PAGE_CSP: string = hostedPagePolicy(SCRIPT)

/**
 * The last page of a sign-in in a popup. It closes itself; a window that may not be closed by a script,
 * or has none, says how to go on.
 */
export function popupPage(page: {
  /** What the opener called this popup, or `null`. */
  readonly popup: string | null
  /** What went wrong, if anything did. */
  readonly authError: PopupMessage['error']
  readonly providers: readonly Provider[]
  /** Already made safe. */
  readonly returnTo: string
  readonly signInUrl: string
}): string {
  const { popup, authError, providers, returnTo, signInUrl } = page
  const failed = authError !== null
  const outcome = `<div id="outcome" data-popup="${popup ?? ''}" data-error="${authError ?? ''}" data-return-to="${escapeHtml(returnTo)}">
${failed ? alert(authError, providers) : '<p class="said">You can close this window.</p>'}
</div>`
  return hostedPage({
    title: failed ? 'Sign in' : 'All done',
    main: failed
      ? `${outcome}\n<a class="button" href="${escapeHtml(signInUrl)}">Try again</a>`
      : outcome,
    footer: failed
      ? ''
      : `<a class="back" href="${escapeHtml(returnTo)}">Continue here instead</a>`,
    script: SCRIPT,
  })
}
