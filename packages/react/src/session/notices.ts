/** A component that can show that it is not known who is signed in. */
export interface Notice {
  /** Whether it shows this only if no other component of the page does. */
  readonly isStandIn: boolean
  /** Tells a stand-in whether to show it. */
  readonly show: (isShown: boolean) => void
}

/** The components of a page that can show that it is not known who is signed in, so that the page shows it once. */
export class Notices {
  readonly #notices = new Set<Notice>()

  /** Returns a function that removes the notice again. */
  readonly add = (notice: Notice): (() => void) => {
    this.#notices.add(notice)
    this.#choose()
    return () => {
      this.#notices.delete(notice)
      this.#choose()
    }
  }

  /** Shows the first stand-in, unless another component shows it anyway. */
  #choose(): void {
    const [first, ...others] = [...this.#notices].sort(
      (a, b) => Number(a.isStandIn) - Number(b.isStandIn),
    )
    first?.show(first.isStandIn)
    for (const other of others) other.show(false)
  }
}
