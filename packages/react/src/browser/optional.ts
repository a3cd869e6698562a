// Browser features that can be missing or blocked, for example if cookies are switched off, or in a sandboxed frame, an
// old browser or a test environment. This module promises: the page only loses what the feature adds, and nothing
// throws. No other module of the kit uses these features.

/** Runs `use`. Returns `null` if the browser lacks or blocks a feature that it needs. */
export function attempt<T>(use: () => T): T | null {
  try {
    return use()
  } catch {
    return null
  }
}

/** A message from another page. Validate it before use. */
export type Message = Readonly<Record<string, unknown>>

/** Opens a channel to the other pages of this origin. Returns `null` in a browser without channels. */
export function openChannel(
  name: string,
  onMessage: (message: Message) => void,
): BroadcastChannel | null {
  return attempt(() => {
    const channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }) => onMessage(Object(data))
    return channel
  })
}

/**
 * Opens a small window at `urlOf(name)` with an unguessable `name`.
 *
 * @returns the name, or `null` if the browser did not open a window
 */
export function openNamedWindow(urlOf: (name: string) => string, features: string): string | null {
  return attempt(() => {
    const name = crypto.getRandomValues(new Uint32Array(4)).join('-')
    // Some popup blockers return a window that is already closed.
    return open(urlOf(name), '', features)?.closed === false ? name : null
  })
}

/** Opens a dialog over the page. A browser without dialogs shows the content in the page instead. */
export function openDialog(dialog: HTMLDialogElement): void {
  attempt(() => dialog.showModal())
  // A no-op on an open dialog. Setting the attribute again would keep Escape from closing it.
  dialog.toggleAttribute('open', true)
}

export function closeDialog(dialog: HTMLDialogElement): void {
  attempt(() => dialog.close())
  dialog.toggleAttribute('open', false)
}

/** Whether an element is visible. Returns `true` for a missing element, and in a browser without layout. */
export function isVisible(element: Element | null | undefined): boolean {
  // Such an element has no box.
  if (element && getComputedStyle(element).display === 'contents') {
    return isVisible(element.parentElement)
  }
  return element?.checkVisibility?.({ visibilityProperty: true }) ?? true
}

/** Replaces the path in the address bar and keeps the router's state. Browsers limit how often a page may do this. */
export function replaceAddress(path: string): void {
  attempt(() => {
    // Next.js ignores a change whose state has its own mark, `__NA`.
    const state = history.state && { ...history.state, __NA: undefined }
    history.replaceState(state, '', path)
  })
}
