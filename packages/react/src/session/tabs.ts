import { channelName } from '@latchkey/contract'
import { attempt, openChannel } from '../browser/optional.ts'

/** Tells other tabs which session this tab has seen. The id identifies a session, but does not grant access. */
interface SessionMessage {
  readonly type: 'session'
  readonly basePath: string
  readonly sessionId: string | null
}

/** The other tabs of this browser. Without `BroadcastChannel`, each tab asks the server when it becomes visible. */
export interface Tabs {
  /**
   * Listens to the other tabs, and to the last page of a popup sign-in.
   *
   * @param isNews whether an announced session differs from this tab's
   * @param onNews called when the session may have changed, so that the caller can ask the server
   * @returns a function that stops listening
   */
  readonly listen: (isNews: (sessionId: unknown) => boolean, onNews: () => void) => () => void
  /** Sends the session's id to the other tabs. A no-op unless this tab listens. */
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
