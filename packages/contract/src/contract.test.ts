import { describe, expect, it } from 'vitest'
import { errorSentence, errorSentences, paths, reservedSegments, routes } from './index.ts'

describe('the paths', () => {
  it('are the routes below the base path, with or without a slash at its end', () => {
    for (const basePath of ['/auth', '/auth/']) {
      expect(paths(basePath).session).toBe('/auth/session')
      expect(paths(basePath).start('bitbucket')).toBe('/auth/bitbucket/start')
    }
    expect(paths().signOut).toBe('/auth/sign-out')
    // `//session` would be a host.
    expect(paths('/').session).toBe('/session')
  })

  it('of Latchkey itself are reserved, so that no provider can be called by one', () => {
    const own = [routes.session, routes.providers, routes.signIn, routes.signOut]
    for (const path of own) expect(reservedSegments).toContain(path.slice(1))
    const later =
      'token tokens device oauth account user identities try invitation introspect webhooks'
    for (const name of [...later.split(' '), '.well-known'])
      expect(reservedSegments).toContain(name)
  })
})

describe('the sentences', () => {
  it('are whole sentences, and name the provider only at the beginning', () => {
    for (const sentence of Object.values(errorSentences)) {
      expect(sentence).toMatch(/^(\{provider\} [a-z]|[A-Z])[^{}]*\.$/)
    }
  })

  it('name the provider where it is known', () => {
    expect(errorSentence('provider_unavailable', 'Bitbucket')).toMatch(/^Bitbucket cannot be/)
    expect(errorSentence('provider_unavailable')).toMatch(/^The provider cannot be/)
    expect(errorSentence('access_denied', 'Bitbucket')).toBe(errorSentences.access_denied)
  })
})
