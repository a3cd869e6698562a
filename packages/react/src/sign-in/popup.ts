import { channelName, type PopupMessage } from '@latchkey/contract'

/** How a sign-in in a popup has ended. */
export type PopupResult = Pick<PopupMessage, 'error' | 'returnTo'>

/** In pixels. Bitbucket's pages fit into it. */
const FEATURES = 'popup,width=500,height=720'

/**
 * Starts a sign-in in a window of its own. Its last page reports on a channel: the window itself cannot,
 * as a provider that isolates its pages (COOP) cuts the two off from each other, whereupon `closed` is
 * true, whether it is or not.
 *
 * @returns what stops listening, or `null` if the browser opened no window.
 */
export function openPopup(
  href: string,
  onResult: (result: PopupResult) => void,
): (() => void) | null {
  // Whoever does not know it can put no words into the provider's mouth.
  const popup = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const opened = open(`${href}${href.includes('?') ? '&' : '?'}popup=${popup}`, '', FEATURES)
  // Some blockers hand out a window that is closed already.
  if (!opened || opened.closed) return null

  const channel = new BroadcastChannel(channelName)
  const stop = () => channel.close()
  channel.onmessage = ({ data }) => {
    if (data?.popup !== popup) return
    stop()
    onResult(data)
  }
  return stop
}
