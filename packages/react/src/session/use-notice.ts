'use client'

import { type RefObject, useContext, useEffect, useRef, useState } from 'react'
import { isVisible } from '../browser/optional.ts'
import { AuthContext } from './auth-context.ts'
import type { NoticeKind, UnknownStatus } from './notices.ts'

export interface PlacedNotice {
  /** For an element next to the notice that stays in the page while the status is unknown. */
  readonly place: RefObject<HTMLTemplateElement | null>
  /** Whether to show each of the unknown states. */
  readonly isShown: Readonly<Record<UnknownStatus, boolean>>
}

/** Registers a component that shows the unknown state itself, which hides the stand-ins. */
export function useNotice(): PlacedNotice {
  return usePlacedNotice('part')
}

/** Registers a stand-in. Returns whether to show it. */
export function useStandIn(): PlacedNotice {
  return usePlacedNotice('stand-in')
}

function usePlacedNotice(kind: NoticeKind): PlacedNotice {
  const place = useRef<HTMLTemplateElement>(null)
  const loading = useRegistration('loading', kind, place)
  const error = useRegistration('error', kind, place)
  return { place, isShown: { loading, error } }
}

/**
 * Registers a component that shows one of the unknown states.
 *
 * @param kind `null` registers nothing
 * @param place an element next to the component. Without it, the component counts as visible.
 * @returns whether to show it
 */
export function useRegistration(
  status: UnknownStatus,
  kind: NoticeKind | null,
  place?: PlacedNotice['place'],
): boolean {
  const notices = useContext(AuthContext)?.client?.notices
  const [isShown, show] = useState(kind !== 'stand-in')
  useEffect(() => {
    const isHidden = () => !isVisible(place?.current?.parentElement)
    return kind ? notices?.add({ kind, status, isHidden, show }) : undefined
  }, [notices, kind, status, place])
  return isShown
}
