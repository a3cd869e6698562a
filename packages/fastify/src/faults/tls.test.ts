import type { ServerOptions } from 'node:https'
import { createServer } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { generate } from 'selfsigned'
import { afterEach, describe, expect, it } from 'vitest'
import { buildApp } from '../testing/app.ts'
import {
  agree,
  bitbucketAt,
  comeBack,
  listen,
  type Route,
  routes,
  serve,
} from '../testing/unruly.ts'

const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const DAY = 24 * 60 * 60 * 1000

interface Certificate {
  readonly host?: string
  /** The last day of validity, in days from today. */
  readonly lastDay?: number
  /** Whether this machine trusts it. */
  readonly trusted?: boolean
}

async function certify(certificate: Certificate): Promise<ServerOptions> {
  const { host = 'localhost', lastDay = 1, trusted = true } = certificate
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 30 * DAY),
    notAfterDate: new Date(Date.now() + lastDay * DAY),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  })
  if (trusted) setDefaultCACertificates([cert])
  return { key, cert }
}

const usual = getCACertificates('default')
afterEach(() => setDefaultCACertificates(usual))

/** Signs in with one of the provider's routes behind this TLS server. The other routes work. */
async function comeBackThrough(
  route: Route,
  tls: ServerOptions,
): Promise<{ location: unknown; asked: number; log: string }> {
  let asked = 0
  const secure = await serve((request, response) => {
    asked++
    agree(request, response)
  }, tls)
  const provider = bitbucketAt(await serve(agree), { [route]: secure })
  const lines: string[] = []
  const app = await buildApp(
    { url: 'http://127.0.0.1:9' },
    { providers: [provider] },
    { write: (line) => void lines.push(line) },
  )
  const { location } = (await comeBack(app)).headers
  return { location, asked, log: lines.join('') }
}

describe.each(routes)('%s behind TLS', (route) => {
  // People can sign in without an e-mail address, so an unreadable list of addresses only causes a warning.
  const needed = route !== '/2.0/user/emails'
  const [outcome, event] = needed ? [UNAVAILABLE, 'sign-in-failed'] : ['/', 'sign-in-warning']

  it('with a trusted certificate is called', async () => {
    const { location, asked } = await comeBackThrough(route, await certify({}))
    expect(location).toBe('/')
    expect(asked).toBe(1)
  })

  it.each([
    ['that is self-signed', { trusted: false }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['that has expired', { lastDay: -1 }, 'CERT_HAS_EXPIRED'],
    ['for another host', { host: 'other.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('with a certificate %s gets no request, and the log says why', async (_what, bad, word) => {
    const { location, asked, log } = await comeBackThrough(route, await certify(bad))
    expect(location).toBe(outcome)
    expect(asked).toBe(0)
    expect(log).toMatch(new RegExp(`"event":"${event}".*could not be reached: ${word}`))
    expect(log).not.toMatch(/canary|Basic |Bearer |PRIVATE KEY/)
  })

  it('with a TLS version from 2006 gets no request, and the log says why', async () => {
    const { location, asked, log } = await comeBackThrough(route, {
      ...(await certify({})),
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    })
    expect(location).toBe(outcome)
    expect(asked).toBe(0)
    expect(log).toMatch(new RegExp(`"event":"${event}".*could not be reached: (ERR_SSL|EPROTO)`))
  })

  it('that accepts the connection but never sends a ServerHello times out at the deadline', async () => {
    const mute = createServer()
    const secure = `https://localhost:${await listen(mute)}`
    const provider = bitbucketAt(await serve(agree), { [route]: secure })
    const app = await buildApp(
      { url: 'http://127.0.0.1:9' },
      { providers: [provider], providerTimeout: 300 },
    )
    expect((await comeBack(app)).headers.location).toBe(outcome)
  })
})
