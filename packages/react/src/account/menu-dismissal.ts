'use client'

import { useEffect } from 'react'

/** Closes open user menus on Escape, and when an element outside is pressed or focused. */
export function useMenuDismissal(): void {
  useEffect(() => {
    const stop = new AbortController()
    document.addEventListener('keydown', onKeyDown, stop)
    document.addEventListener('pointerdown', onMoveElsewhere, stop)
    document.addEventListener('focusin', onMoveElsewhere, stop)
    document.addEventListener('click', onClick, stop)
    return () => stop.abort()
  }, [])
}

function onKeyDown({ key }: KeyboardEvent): void {
  if (key === 'Escape') closeMenus(() => true)
}

function onMoveElsewhere({ target }: Event): void {
  closeMenus((menu) => !menu.contains(target as Node))
}

function onClick({ target }: Event): void {
  // A router may follow a link in the menu without leaving the page. A document has no `closest` method.
  const isLink = (target as Partial<Element>).closest?.('a')
  closeMenus((menu) => !menu.contains(target as Node) || Boolean(isLink))
}

function closeMenus(shouldClose: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>('.latchkey-user[open]')) {
    if (!shouldClose(menu)) continue
    if (menu.contains(document.activeElement)) menu.querySelector('summary')?.focus()
    menu.open = false
  }
}
