/** The states in which the session is unknown. */
export type UnknownStatus = 'loading' | 'error'

/**
 * `app`: placed by the application, hides every other notice. `part`: inside a component that is visible anyway.
 * `stand-in`: shown only if the page has no other notice.
 */
export type NoticeKind = 'app' | 'part' | 'stand-in'

/** A component that can show one of the unknown states. */
export interface Notice {
  readonly kind: NoticeKind
  readonly status: UnknownStatus
  /** Whether it is inside an invisible element, such as a closed menu. */
  readonly isHidden: () => boolean
  readonly show: (isShown: boolean) => void
}

const order: readonly NoticeKind[] = ['app', 'part', 'stand-in']

/** The components of a page that can show an unknown state. Chooses one of them, so that the page shows it once. */
export class Notices {
  /** Each notice, with the last value passed to `show`. */
  readonly #notices = new Map<Notice, boolean | undefined>()
  #isScheduled = false

  /** Adds a notice. Returns a function that removes it. */
  readonly add = (notice: Notice): (() => void) => {
    this.#notices.set(notice, undefined)
    this.update()
    return () => {
      this.#notices.delete(notice)
      this.update()
    }
  }

  /** Chooses again, once per batch of changes. */
  readonly update = (): void => {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#choose('loading')
      this.#choose('error')
    })
  }

  #choose(status: UnknownStatus): void {
    const chosen = this.#best(status)
    for (const [notice, wasShown] of this.#notices) {
      if (notice.status !== status) continue
      const isShown = notice === chosen || (notice.kind === 'part' && chosen?.kind !== 'app')
      if (isShown === wasShown) continue
      this.#notices.set(notice, isShown)
      notice.show(isShown)
    }
  }

  /** Returns the first notice of the best kind. A hidden notice is better than none. */
  #best(status: UnknownStatus): Notice | undefined {
    let best: Notice | undefined
    let lowest = Number.POSITIVE_INFINITY
    for (const notice of this.#notices.keys()) {
      const rank = order.indexOf(notice.kind)
      if (notice.status !== status || rank >= lowest) continue
      const rankHere = notice.isHidden() ? rank + order.length : rank
      if (rankHere >= lowest) continue
      best = notice
      lowest = rankHere
    }
    return best
  }
}
