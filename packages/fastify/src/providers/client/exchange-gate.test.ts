import { describe, expect, it } from 'vitest'
import { createExchangeGate, type ExchangeGate, LEFT, type Place } from './exchange-gate.ts'

/** A gate whose places are all taken, by addresses that the test does not use. */
function fullGate(limit: number): { gate: ExchangeGate; taken: Place[] } {
  const gate = createExchangeGate(limit)
  const taken = Array.from({ length: limit }, (_, index) => gate.enter(`taken-${index}`))
  return { gate, taken }
}

/** Notes each name when its place is granted, or `-name` when it is rejected. */
function noting(outcomes: string[], name: string, place: Place): Place {
  place.granted.then(
    () => outcomes.push(name),
    () => outcomes.push(`-${name}`),
  )
  return place
}

/** Resolves once the callbacks of every settled promise have run. */
const settled = (): Promise<void> => new Promise(setImmediate)

describe('a gate', () => {
  it('grants as many places as its limit, and the next one when a place is released', async () => {
    const outcomes: string[] = []
    const gate = createExchangeGate(2)
    const [first] = ['a', 'b', 'c'].map((name) => noting(outcomes, name, gate.enter(name)))
    await settled()
    expect(outcomes).toEqual(['a', 'b'])
    first?.leave()
    await settled()
    expect(outcomes).toEqual(['a', 'b', 'c'])
  })

  it('counts a place that is released twice once', async () => {
    const outcomes: string[] = []
    const { gate, taken } = fullGate(2)
    const waiting = ['a', 'b'].map((name) => noting(outcomes, name, gate.enter(name)))
    taken[0]?.leave()
    taken[0]?.leave()
    await settled()
    expect(outcomes).toEqual(['a'])
    waiting[0]?.leave()
    await settled()
    expect(outcomes).toEqual(['a', 'b'])
  })

  it('skips a waiter that has left, and grants the place to the next', async () => {
    const outcomes: string[] = []
    const { gate, taken } = fullGate(2)
    const gone = gate.enter('a')
    noting(outcomes, 'b', gate.enter('b'))
    gone.leave()
    gone.leave()
    await expect(gone.granted).rejects.toBe(LEFT)
    taken[0]?.leave()
    await settled()
    expect(outcomes).toEqual(['b'])
  })

  it.each([
    [1, 1],
    [7, 7],
    [100, 100],
    [500, 100],
  ])('of %i places has a queue of %i', async (limit, length) => {
    const { gate } = fullGate(limit)
    const outcomes: string[] = []
    for (let index = 0; index < length; index++) noting(outcomes, 'x', gate.enter(`${index}`))
    await expect(gate.enter('late').granted).rejects.toMatchObject({ code: 'unavailable' })
    expect(outcomes).toEqual([])
  })
})

describe('a queue', () => {
  it('prefers the address with the fewest places, then the longest wait', async () => {
    const outcomes: string[] = []
    const gate = createExchangeGate(4)
    const held = ['a', 'a', 'b', 'c'].map((address) => gate.enter(address))
    for (const address of ['a', 'b', 'd', 'c']) noting(outcomes, address, gate.enter(address))
    // `a` has two places and releases one, so `d`, which has none, is next.
    held[0]?.leave()
    held[3]?.leave()
    held[2]?.leave()
    held[1]?.leave()
    await settled()
    expect(outcomes).toEqual(['d', 'c', 'b', 'a'])
  })

  it('that is full lets a newcomer displace the newest waiter of the busiest address', async () => {
    const outcomes: string[] = []
    const { gate } = fullGate(4)
    for (const name of ['a1', 'a2', 'a3', 'b1']) noting(outcomes, name, gate.enter(name.charAt(0)))
    noting(outcomes, 'c1', gate.enter('c'))
    await settled()
    expect(outcomes).toEqual(['-a3'])
  })

  it('that is full rejects a newcomer whose address would have as many as any other', async () => {
    const outcomes: string[] = []
    const { gate } = fullGate(4)
    for (const name of ['a1', 'a2', 'b1', 'b2']) noting(outcomes, name, gate.enter(name.charAt(0)))
    noting(outcomes, 'a3', gate.enter('a'))
    noting(outcomes, 'b3', gate.enter('b'))
    await settled()
    expect(outcomes).toEqual(['-a3', '-b3'])
    noting(outcomes, 'c1', gate.enter('c'))
    noting(outcomes, 'c2', gate.enter('c'))
    await settled()
    expect(outcomes).toEqual(['-a3', '-b3', '-b2', '-c2'])
  })

  it.each([
    [
      'one IPv6 /64 as one address',
      ['2001:db8::1', '2001:DB8:0:0:ffff::2', '2001:db8::3%eth0'],
      true,
    ],
    ['two IPv6 /64 as two addresses', ['2001:db8::1', '2001:db8:0:1::1', '2001:db8:0:1::2'], false],
    ['one IPv4 address as one', ['192.0.2.1', '192.0.2.1', '192.0.2.1'], true],
    ['two IPv4 addresses as two', ['192.0.2.1', '192.0.2.2', '192.0.2.2'], false],
    ['two IPv4 addresses mapped to IPv6 as two', ['::ffff:192.0.2.1', '::ffff:192.0.2.2'], false],
    ['missing addresses as one', ['undefined', 'undefined'], true],
  ])('counts %s', async (_what, addresses, areOne) => {
    const outcomes: string[] = []
    const { gate, taken } = fullGate(3)
    const [first = '', ...others] = addresses
    taken[0]?.leave()
    noting(outcomes, 'place', gate.enter(first))
    noting(outcomes, 'same', gate.enter(others.at(-1) ?? ''))
    noting(outcomes, 'other', gate.enter('198.51.100.1'))
    taken[1]?.leave()
    await settled()
    expect(outcomes).toEqual(['place', areOne ? 'other' : 'same'])
  })
})
