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

/** A list that belongs to the signed-in person, and a function that removes an item from it. */
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
      // The item may have been gone before, or removed by a request whose answer was lost.
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
