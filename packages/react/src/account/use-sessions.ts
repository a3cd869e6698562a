'use client'

import type { SessionsBody } from '@latchkey/contract'
import {
  hasFields,
  isBoolean,
  isEmpty,
  isListOf,
  isNumber,
  isString,
  isStringOrNull,
} from '../requests/answer.ts'
import { usePaths } from '../session/auth-context.ts'
import { type Remote, useRequest } from '../session/remote.ts'
import { useOwnList } from './own-list.ts'

/** One of the user's sessions, with its device. */
export type Device = SessionsBody['sessions'][number]

/** The user's sessions, with this browser's session first. */
export type SessionsState = Remote<{
  /** The sessions, starting with this browser's. Each has an `id`, `device`, `createdAt`, `lastUsedAt` and `current`. */
  readonly sessions: readonly Device[]
  /**
   * Revokes a session by its id, which signs that device out.
   *
   * @throws AuthError if the session may still be valid
   */
  readonly end: (id: string) => Promise<void>
  /**
   * Revokes all sessions except this one.
   *
   * @throws AuthError if some of them may still be valid
   */
  readonly endOthers: () => Promise<void>
  /** Requests the list again. The state keeps the old list until the new one arrives. */
  readonly reload: () => void
}>

/**
 * Requests the list of devices where the user is signed in. Stays `loading` when signed out.
 *
 * @example
 * const state = useSessions()
 * if (state.status === 'ready') return <button onClick={state.endOthers}>Sign out everywhere else</button>
 */
export function useSessions(): SessionsState {
  const url = usePaths()
  const ask = useRequest()
  const [state, reload, end] = useOwnList({
    listUrl: url.sessions,
    itemUrl: url.oneSession,
    isExpected: isSessionsBody,
    itemsOf: (body) => body.sessions,
  })
  if (state.status !== 'ready') return state
  return {
    status: 'ready',
    sessions: [...state.sessions].sort(currentFirst),
    end,
    endOthers: () => ask('POST', url.signOut, isEmpty, { scope: 'others' }).then(reload),
    reload,
  }
}

function currentFirst(a: Device, b: Device): number {
  return Number(b.current) - Number(a.current)
}

function isSessionsBody(body: unknown): body is SessionsBody {
  return hasFields<SessionsBody>(body, { sessions: (list) => isListOf(list, isDevice) })
}

function isDevice(value: unknown): value is Device {
  return hasFields<Device>(value, {
    id: isString,
    device: isStringOrNull,
    current: isBoolean,
    createdAt: isNumber,
    lastUsedAt: isNumber,
  })
}
