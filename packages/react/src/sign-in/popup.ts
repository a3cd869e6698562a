import { channelName, type PopupMessage } from '@latchkey/contract'
import { type Message, openChannel, openNamedWindow } from '../browser/optional.ts'
import { withQuery } from '../browser/return-to.ts'

/** The result of a popup sign-in. */
export type PopupResult = Pick<PopupMessage, 'error' | 'returnTo'>

/** In pixels: large enough for Bitbucket's pages. */
const WINDOW_FEATURES = 'popup,width=500,height=720'

/**
 * Starts a sign-in in a separate window. The last page of that window sends the result over a `BroadcastChannel`. The
 * window object cannot report it: if the provider isolates its pages (COOP), the browser separates the two windows, and
 * `closed` is `true` even while the popup is open.
 *
 * @returns a function that stops listening, or `null` if the browser blocks popups or lacks channels
 */
export function openPopup(
  href: string,
  onResult: (result: PopupResult) => void,
): (() => void) | null {
  // Open the channel first: without it, a popup could not report its result.
  const channel = openChannel(channelName, (message) => {
    if (message.popup !== popup) return
    stop()
    onResult(message as Message & PopupResult)
  })
  if (!channel) return null
  const stop = () => channel.close()
  // Only a page that knows this name can report a result.
  const popup = openNamedWindow((popup) => withQuery(href, { popup }), WINDOW_FEATURES)
  if (popup) return stop
  stop()
  return null
}
