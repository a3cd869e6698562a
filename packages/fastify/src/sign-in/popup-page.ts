import { channelName, type PopupMessage } from '@latchkey/contract'
import type { Provider } from '../providers/provider.ts'
import { alert } from './auth-error.ts'
import { escapeHtml, hostedPage, hostedPagePolicy } from './page-layout.ts'

/**
 * Reports the outcome to the page that opened the window, and closes the window. Uses a channel because
 * `window.opener` is missing if the provider isolates its pages
 * (https://html.spec.whatwg.org/#cross-origin-opener-policies), and because a channel never reaches another
 * origin. Removes the query from the address bar. Closes the window after a delay, because closing it
 * immediately could lose the message. A browser can block each step. If the message cannot be sent, the window
 * stays open and offers a link.
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
 * Returns the last page of a sign-in in a popup. The page closes itself. If scripts are disabled or cannot close
 * the window, it offers a link instead.
 */
export function popupPage(page: {
  /** The id of the popup, chosen by its opener, or `null`. */
  readonly popup: string | null
  /** The error code, or `null` after a successful sign-in. */
  readonly authError: PopupMessage['error']
  readonly providers: readonly Provider[]
  /** A path that was already validated. */
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
