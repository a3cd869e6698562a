import { channelName, type PopupMessage } from '@latchkey/contract'
import { withQuery } from '../browser/return-to.ts'

/** The outcome of a sign-in in a popup. */
export type PopupResult = Pick<PopupMessage, 'error' | 'returnTo'>

/** In pixels: large enough for Bitbucket's pages. */
const WINDOW_FEATURES = 'popup,width=500,height=720'

/**
 * Starts a sign-in in a separate window. Its last page reports the outcome on a channel. The window object
 * is no use for that: if the provider isolates its pages (COOP), the browser separates the two windows, and
 * `closed` is true even while the popup is open.
 *
 * @returns a function that stops listening, or `null` if the browser opened no window
 */
export function openPopup(
  href: string,
  onResult: (result: PopupResult) => void,
): (() => void) | null {
  // Only a page that knows this name can report an outcome.
  const popupName = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const opened = open(withQuery(href, { popup: popupName }), '', WINDOW_FEATURES)
  // Some popup blockers return a window that is already closed.
  if (!opened || opened.closed) return null

  const channel = new BroadcastChannel(channelName)
  const stop = () => channel.close()
  channel.onmessage = ({ data }) => {
    if (data?.popup !== popupName) return
    stop()
    onResult(data)
  }
  return stop
}
