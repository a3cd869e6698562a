import { channelName } from '@latchkey/contract'
import { isObject } from '../requests/answer.ts'

/** A tab tells the others which session it has seen. The id names a session, it does not open it. */
interface SessionMessage {
  readonly type: 'session'
  readonly basePath: string
  readonly sessionId: string | null
}

/** The other tabs of this browser. */
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
  let channel: BroadcastChannel | undefined

  return {
    listen(isNews, onNews) {
      const listening = new BroadcastChannel(channelName)
      channel = listening
      listening.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (!isObject(data)) return
        const isSession = data.type === 'session' && data.basePath === basePath
        if (data.type === 'popup' || (isSession && isNews(data.sessionId))) onNews()
      }
      return () => {
        listening.close()
        channel = undefined
      }
    },
    announce(sessionId) {
      const message: SessionMessage = { type: 'session', basePath, sessionId }
      channel?.postMessage(message)
    },
  }
}
