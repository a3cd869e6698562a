import { expect, test, vi } from 'vitest'
import { Notices } from './notices.ts'

test('notifies a thousand stand-ins once when they mount together, and later only those that change', async () => {
  const notices = new Notices()
  const show = vi.fn()
  const isHidden = vi.fn(() => false)
  const standIn = { kind: 'stand-in', status: 'error', isHidden, show } as const
  const removals = Array.from({ length: 1_000 }, () => notices.add({ ...standIn }))
  await Promise.resolve()
  expect(show).toHaveBeenCalledTimes(1_000)
  expect(show.mock.calls.filter(([isShown]) => isShown)).toHaveLength(1)
  expect(isHidden).toHaveBeenCalledTimes(1)
  removals[0]?.()
  await Promise.resolve()
  expect(show).toHaveBeenCalledTimes(1_001)
  expect(show).toHaveBeenLastCalledWith(true)
})
