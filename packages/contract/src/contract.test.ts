import { describe, expect, it } from 'vitest'
import { errorSentence, errorSentences, paths, reservedSegments, routes } from './index.ts'

describe('paths', () => {
  it('are relative to the base path, with or without a trailing slash', () => {
    for (const basePath of ['/auth', '/auth/']) {
      expect(paths(basePath).session).toBe('/auth/session')
      expect(paths(basePath).start('bitbucket')).toBe('/auth/bitbucket/start')
    }
    expect(paths().signOut).toBe('/auth/sign-out')
    // `//session` would be a URL on the host `session`.
    expect(paths('/').session).toBe('/session')
  })

  it('reserve the segments that Latchkey uses now or may use later', () => {
    const own = [routes.session, routes.providers, routes.signIn, routes.signOut]
    for (const path of own) expect(reservedSegments).toContain(path.slice(1))
    const later =
      'token tokens device oauth account user identities try invitation introspect webhooks'
    for (const name of [...later.split(' '), '.well-known'])
      expect(reservedSegments).toContain(name)
  })
})

describe('error sentences', () => {
  it('are whole sentences that contain the provider only at the start', () => {
    for (const sentence of Object.values(errorSentences)) {
      expect(sentence).toMatch(/^(\{provider\} [a-z]|[A-Z])[^{}]*\.$/)
    }
  })

  it("contain the provider's name if it is known", () => {
    expect(errorSentence('provider_unavailable', 'Bitbucket')).toMatch(/^Bitbucket can't be/)
    expect(errorSentence('provider_unavailable')).toMatch(/^The provider can't be/)
    expect(errorSentence('access_denied', 'Bitbucket')).toBe(errorSentences.access_denied)
  })
})
