import type { MouseEvent } from 'react'

/** Whether a click navigates this window, instead of opening a tab or window or downloading. */
export function leavesThisPage(event: MouseEvent<HTMLAnchorElement>): boolean {
  const { target } = event.currentTarget
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
  return event.button === 0 && !modified && (target === '' || target === '_self')
}

/** Navigates only within this origin, regardless of where the path came from. */
export function goTo(path: string): void {
  if (new URL(path, origin).origin === origin) location.assign(path)
}
