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

/** Somewhere that the person is signed in. */
export type Device = SessionsBody['sessions'][number]

/** Everywhere that the person is signed in, this browser first. */
export type SessionsState = Remote<{
  /** Each with `id`, `device`, `createdAt`, `lastUsedAt`, and `current` for this browser. */
  readonly sessions: readonly Device[]
  /**
   * Signs a device out.
   *
   * @throws AuthError if it may still be signed in
   */
  readonly end: (id: string) => Promise<void>
  /**
   * Signs all of them out but this one.
   *
   * @throws AuthError if they may still be signed in
   */
  readonly endOthers: () => Promise<void>
  /** Asks again, and shows what it has meanwhile. */
  readonly reload: () => void
}>

/** Where the person is signed in. Asks the server; needs somebody signed in. */
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
