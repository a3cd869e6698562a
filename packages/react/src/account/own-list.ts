'use client'

import { type Check, isEmpty } from '../requests/answer.ts'
import { useUser } from '../session/auth-context.ts'
import { type Remote, useRemote, useRequest } from '../session/remote.ts'

interface OwnListOptions<T> {
  readonly listUrl: string
  readonly itemUrl: (id: string) => string
  readonly isExpected: Check<T>
  readonly itemsOf: (body: T) => readonly { readonly id: string }[]
}

/** Returns a list of the signed-in user's items, and functions to reload it and to remove an item. */
export function useOwnList<T>(
  options: OwnListOptions<T>,
): readonly [state: Remote<T>, reload: () => void, remove: (id: string) => Promise<void>] {
  const { listUrl, itemUrl, isExpected, itemsOf } = options
  const ask = useRequest()
  const user = useUser()
  const [state, reload] = useRemote(user && listUrl, isExpected, user?.id)

  async function remove(id: string): Promise<void> {
    try {
      await ask('DELETE', itemUrl(id), isEmpty)
    } catch (error) {
      // The item may already have been missing, or its removal succeeded and the response was lost.
      if (await mayBeListed(id)) throw error
    } finally {
      reload()
    }
  }

  async function mayBeListed(id: string): Promise<boolean> {
    try {
      const body = await ask('GET', listUrl, isExpected)
      return itemsOf(body).some((item) => item.id === id)
    } catch {
      return true
    }
  }

  return [state, reload, remove]
}
