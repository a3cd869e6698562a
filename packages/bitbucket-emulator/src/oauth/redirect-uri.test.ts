import { describe, expect, it } from 'vitest'
import { anyLoopback } from '../seed/callback-url.ts'
import { allowedRedirectUri } from './redirect-uri.ts'

describe('a callback on the web', () => {
  const callback = 'https://app.example.com/callback'

  it.each([
    'https://app.example.com/callback',
    'https://app.example.com/callback/',
    'https://app.example.com/callback/bitbucket',
    'https://app.example.com/callback?tenant=a',
    'https://app.example.com:443/callback',
    'https://APP.example.com/callback',
  ])('accepts %s', (requested) => {
    expect(allowedRedirectUri(requested, callback)?.hostname).toBe('app.example.com')
  })

  it.each([
    ['a sibling with the same prefix', 'https://app.example.com/callback-evil'],
    ['a parent segment', 'https://app.example.com/callback/../evil'],
    ['a parent segment that resolves to the callback', 'https://app.example.com/other/../callback'],
    ['a parent segment with an encoded slash', 'https://app.example.com/callback/..%2fevil'],
    ['a parent segment with an encoded backslash', 'https://app.example.com/callback/..%5Cevil'],
    ['a single-dot segment', 'https://app.example.com/callback/./x'],
    ['a leading space', ' https://app.example.com/callback'],
    ['a tab', 'https://app.example.com/call\tback'],
    ['no slashes after the scheme', 'https:app.example.com/callback'],
    ['a password without a user name', 'https://:pw@app.example.com/callback'],
    ['an encoded parent segment', 'https://app.example.com/callback/%2e%2e/evil'],
    ['a parent segment with backslashes', 'https://app.example.com/callback\\..\\evil'],
    ['the root', 'https://app.example.com/'],
    ['a path with different upper and lower case', 'https://app.example.com/Callback'],
    ['a user name', 'https://app.example.com@evil.example/callback'],
    ['a user name on the right host', 'https://evil@app.example.com/callback'],
    ['another host', 'https://evil.example/callback'],
    ['a subdomain', 'https://x.app.example.com/callback'],
    ['a host with the same suffix', 'https://evilapp.example.com/callback'],
    ['another port', 'https://app.example.com:8443/callback'],
    ['http instead of https', 'http://app.example.com/callback'],
    ['a fragment', 'https://app.example.com/callback#x'],
    ['an empty fragment', 'https://app.example.com/callback#'],
    ['a javascript: URL', 'javascript:alert(1)'],
    ['no scheme', '//app.example.com/callback'],
    ['only a path', '/callback'],
    ['an empty string', ''],
  ])('rejects %s: %s', (_, requested) => {
    expect(allowedRedirectUri(requested, callback)).toBeNull()
  })

  it('requires the query of the callback, if it has one', () => {
    const withQuery = 'https://app.example.com/callback?tenant=a'
    expect(allowedRedirectUri(withQuery, withQuery)?.href).toBe(withQuery)
    expect(allowedRedirectUri(`${withQuery}b`, withQuery)).toBeNull()
    expect(allowedRedirectUri('https://app.example.com/callback?tenant=b', withQuery)).toBeNull()
    expect(allowedRedirectUri('https://app.example.com/callback', withQuery)).toBeNull()
  })
})

describe('a loopback callback', () => {
  it.each([
    ['http://127.0.0.1/callback', 'http://127.0.0.1:49152/callback'],
    ['http://localhost:3000/callback', 'http://localhost:5173/callback/below'],
    ['http://[::1]:1/callback', 'http://[::1]:2/callback'],
  ])('%s accepts another port: %s', (callback, requested) => {
    expect(allowedRedirectUri(requested, callback)?.href).toBe(requested)
  })

  it.each([
    ['http://127.0.0.1/callback', 'http://127.0.0.1:49152/evil'],
    ['http://127.0.0.1/callback', 'http://localhost/callback'],
    ['http://127.0.0.1/callback', 'https://127.0.0.1/callback'],
    ['http://127.0.0.1/callback', 'http://127.0.0.1.evil.example/callback'],
  ])('%s rejects %s', (callback, requested) => {
    expect(allowedRedirectUri(requested, callback)).toBeNull()
  })
})

describe('any-loopback', () => {
  it.each(['http://127.0.0.1:3000/', 'http://localhost/a/b?c=d', 'https://[::1]:8443/callback'])(
    'accepts %s',
    (requested) => {
      expect(allowedRedirectUri(requested, anyLoopback)?.href).toBe(requested)
    },
  )

  it.each([
    'ftp://localhost/callback',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'http://localhost@evil.example/',
    'http://user@localhost/',
    'http://192.168.0.1/',
    'http://localhost/#x',
  ])('rejects %s', (requested) => {
    expect(allowedRedirectUri(requested, anyLoopback)).toBeNull()
  })
})
