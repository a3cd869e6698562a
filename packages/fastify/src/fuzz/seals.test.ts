import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../http/seal.ts'
import { buildApp, SECRET, setUpEmulator } from '../testing/app.ts'
import { PATIENT, tries } from '../testing/fuzz.ts'

const emulator = setUpEmulator()

/** Changes to a text. One to three of them most likely produce a different text. */
const changes = fc
  .array(
    fc.record({
      kind: fc.constantFrom('replace', 'insert', 'delete', 'cut', 'swap'),
      at: fc.oneof(fc.constantFrom('start' as const, 'end' as const), fc.nat()),
      letter: fc.oneof(
        fc.constantFrom(...'AQgw-_09az+/=.%~!* "\\,\t\x7f\xff'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => {
    const change = (text: string): string => {
      return all.reduce((so, { kind, at, letter }) => {
        const index = at === 'start' ? 0 : at === 'end' ? so.length : at % (so.length + 1)
        const [before, after] = [so.slice(0, index), so.slice(index)]
        if (kind === 'replace') return before + letter + after.slice(1)
        if (kind === 'insert') return before + letter + after
        if (kind === 'delete') return before + after.slice(1)
        return kind === 'cut' ? before : after + before
      }, text)
    }
    return Object.assign(change, { [fc.toStringMethod]: () => JSON.stringify(all) })
  })

describe('a seal', () => {
  const OTHER = 'Zq8w3ErTy6uIoP1aSdFg4hJkLzXcVb9n'

  it('of the same text has a different nonce each time', () => {
    const { seal } = createSeal([SECRET], 'flow')
    const nonces = Array.from({ length: 1000 }, () => seal('text', 'context').slice(0, 16))
    expect(new Set(nonces).size).toBe(1000)
  })

  it('opens to the sealed text, for the same purpose and context only', PATIENT, () => {
    const words = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(words, words, words, words, words, (text, purpose, context, other, another) => {
        const sealed = createSeal([SECRET], purpose).seal(text, context)
        expect(sealed).toMatch(/^[\w-]+$/)
        expect(createSeal([OTHER, SECRET], purpose).open(sealed, context)).toBe(text)
        expect(createSeal([OTHER], purpose).open(sealed, context)).toBeNull()
        const ifSame = purpose === other && context === another ? text : null
        expect(createSeal([SECRET], other).open(sealed, another)).toBe(ifSame)
      }),
      tries(500),
    )
  })

  it('does not open once a single character is changed', PATIENT, () => {
    const { seal, open } = createSeal([SECRET, OTHER], 'flow')
    fc.assert(
      fc.property(fc.string(), changes, (text, change) => {
        const sealed = seal(text, 'context')
        const changed = change(sealed)
        expect(open(changed, 'context')).toBe(changed === sealed ? text : null)
      }),
      tries(3000),
    )
  })

  it('does not open, and does not throw, if it never was a seal', PATIENT, () => {
    const { open } = createSeal([SECRET], 'flow')
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        expect(open(text, 'context')).toBeNull()
      }),
      tries(1000),
    )
  })
})

describe('one of our cookies, altered', () => {
  /** Returns the part of a text that is valid in a cookie. */
  function sendable(text: string): string {
    return text.replace(/[^\t\x20-\x3a\x3c-\x7e\x80-\xff]/g, '').trim()
  }

  it('does not open a session', PATIENT, async () => {
    const app = await buildApp(emulator())
    const { id } = await app.latchkey.users.create({ name: 'Ada Test' })
    const [name = '', token = ''] = (await app.latchkey.sessions.create(id)).cookie.split('=')
    const nobody = { user: null, session: null }
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        const changed = sendable(change(token))
        const cookie = `${name}=${changed}`
        const answer = await app.inject({ url: '/auth/session', headers: { cookie } })
        expect(answer.statusCode).toBe(200)
        expect(answer.json()).toMatchObject(changed === token ? { user: { id } } : nobody)
        const guarded = await app.inject({ url: '/api/me', headers: { cookie } })
        expect(guarded.statusCode).toBe(changed === token ? 200 : 401)
      }),
      tries(500),
    )
  })

  it('contains no flow, and cannot be found with another state or name', PATIENT, async () => {
    const app = await buildApp(emulator())
    const part = fc.constantFrom('name', 'value', 'state')
    await fc.assert(
      fc.asyncProperty(part, changes, async (changed, change) => {
        const start = await app.inject('/auth/bitbucket/start')
        const [flow] = String(start.headers['set-cookie']).split(';')
        const [name = '', value = ''] = flow?.split('=') ?? []
        const state = new URL(String(start.headers.location)).searchParams.get('state') ?? ''
        const given = { name, value, state, [changed]: change({ name, value, state }[changed]) }
        const cookie = `${sendable(given.name)}=${sendable(given.value)}`
        const query = new URLSearchParams({ error: 'access_denied', state: given.state })
        const answer = await app.inject({
          url: `/auth/bitbucket/callback?${query}`,
          headers: { cookie },
        })
        const found = cookie === flow && given.state === state
        const code = found ? 'access_denied' : 'flow_missing'
        expect(answer.headers.location).toBe(`/auth/sign-in?auth_error=${code}`)
      }),
      tries(500),
    )
  })
})
