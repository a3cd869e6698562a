/** Browser navigation, which jsdom lacks. Replaces `location` itself, but none of our modules. */
export interface FakeBrowser {
  /** The page's navigations, such as `assign /inbox`. */
  readonly visits: string[]
  close(): void
}

/** Records navigations instead of leaving the page. */
export function startFakeBrowser(): FakeBrowser {
  const real = globalThis.location
  const visits: string[] = []
  const own: Partial<Record<PropertyKey, unknown>> = {
    assign: (url: string) => void visits.push(`assign ${url}`),
    replace: (url: string) => void visits.push(`replace ${url}`),
    reload: () => void visits.push('reload'),
  }
  const location = new Proxy({} as Location, {
    get: (_, name) => own[name] ?? Reflect.get(real, name),
    set: (_, name) => {
      throw new Error(`location.${String(name)} is not watched here.`)
    },
  })
  set(location)

  function set(value: Location): void {
    Object.defineProperty(globalThis, 'location', { configurable: true, writable: true, value })
  }

  return { visits, close: () => set(real) }
}

/** Adds dialogs to jsdom, with their `close` event. Focus and Escape are tested in a real browser. */
export function teachDialogs(): void {
  Object.defineProperty(HTMLDialogElement.prototype, 'offsetWidth', {
    get: (): number => 384,
    configurable: true,
  })
  Object.assign(HTMLDialogElement.prototype, {
    showModal(this: HTMLDialogElement) {
      this.open = true
    },
    close(this: HTMLDialogElement) {
      if (!this.open) return
      this.open = false
      queueMicrotask(() => this.dispatchEvent(new Event('close')))
    },
  })
}

/** Removes them again, for the next test file in the same jsdom. */
export function forgetDialogs(): void {
  for (const name of ['offsetWidth', 'showModal', 'close']) {
    Reflect.deleteProperty(HTMLDialogElement.prototype, name)
  }
}
