/** The states in which it is not known who is signed in. */
export type UnknownStatus = 'loading' | 'error'

/**
 * `app`: the app placed it, and it hides every other notice. `part`: it belongs to a component that has a place
 * on the page anyway. `stand-in`: it is shown only if the page has no other notice.
 */
export type NoticeKind = 'app' | 'part' | 'stand-in'

/** A component that can show one of the unknown states. */
export interface Notice {
  readonly kind: NoticeKind
  readonly status: UnknownStatus
  /** Whether it is inside something invisible, such as a closed menu. */
  readonly isHidden: () => boolean
  readonly show: (isShown: boolean) => void
}

const order: readonly NoticeKind[] = ['app', 'part', 'stand-in']

/** The components of a page that can show an unknown state. It chooses among them, so that the page shows it once. */
export class Notices {
  /** Each with what it was last told. */
  readonly #notices = new Map<Notice, boolean | undefined>()
  #isScheduled = false

  /** Returns a function that removes the notice. */
  readonly add = (notice: Notice): (() => void) => {
    this.#notices.set(notice, undefined)
    this.update()
    return () => {
      this.#notices.delete(notice)
      this.update()
    }
  }

  /** Chooses again, once for all changes that React makes together. */
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

  /** The first of the best kind. A hidden notice is better than none. */
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
