import { channelName } from '@latchkey/contract'
import { attempt, openChannel } from '../browser/optional.ts'

/** A tab tells the others which session it has seen. The id names a session, it does not open it. */
interface SessionMessage {
  readonly type: 'session'
  readonly basePath: string
  readonly sessionId: string | null
}

/** The other tabs of this browser. In a browser without channels, each tab asks the server when it is shown again. */
export interface Tabs {
  /**
   * Listens to the other tabs, and to the last page of a sign-in in a popup.
   *
   * @param isNews whether this tab knows another session than the one that a tab announces
   * @param onNews the session may have changed: only the server can tell
   * @returns stops listening
   */
  readonly listen: (isNews: (sessionId: unknown) => boolean, onNews: () => void) => () => void
  /** Tells the other tabs which session this browser has. A no-op unless this tab listens. */
  readonly announce: (sessionId: string | null) => void
}

export function createTabs(basePath: string): Tabs {
  let channel: BroadcastChannel | null = null

  return {
    listen(isNews, onNews) {
      const listening = openChannel(channelName, (message) => {
        const isSession = message.type === 'session' && message.basePath === basePath
        if (message.type === 'popup' || (isSession && isNews(message.sessionId))) onNews()
      })
      channel = listening
      return () => {
        listening?.close()
        channel = null
      }
    },
    announce(sessionId) {
      const news: SessionMessage = { type: 'session', basePath, sessionId }
      attempt(() => channel?.postMessage(news))
    },
  }
}
