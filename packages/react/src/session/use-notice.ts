'use client'

import { useContext, useEffect, useState } from 'react'
import { AuthContext } from './auth-context.ts'

/** For a component that shows that it is not known who is signed in: no stand-in of the page does so then. */
export function useNotice(): void {
  useAnnouncement(false)
}

/** For a component that would show nothing. Returns whether it is the one that shows it instead. */
export function useStandIn(): boolean {
  return useAnnouncement(true)
}

function useAnnouncement(isStandIn: boolean): boolean {
  const notices = useContext(AuthContext)?.client?.notices
  const [isShown, show] = useState(false)
  useEffect(() => notices?.add({ isStandIn, show }), [notices, isStandIn])
  return isShown
}
