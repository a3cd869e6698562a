/** What a browser does and jsdom cannot, at its edge: `location` itself is replaced, none of our own modules. */
export interface FakeBrowser {
  /** Where the page would have gone: `assign /inbox`. */
  readonly visits: string[]
  close(): void
}

/** Stays on the page, and writes down where it was told to go. */
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

/** Opens and closes dialogs, which say so. What it does for the focus, and Escape, are left to a real browser. */
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
