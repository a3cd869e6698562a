import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { certificate } from './certificate.ts'

export interface Attacker {
  /** The origin that browsers treat as a different site from the demo. */
  readonly otherSite: string
  /** The origin that browsers treat as the same site, and send the demo's cookies to. */
  readonly sameSite: string
  /** The port of the server, which is reachable under every host name of this machine. */
  readonly port: number
  /** The requests during this test. */
  readonly requests: readonly IncomingMessage[]
  /** Sets the markup of the page that the server returns for every path. */
  write(markup: string): void
}

/** Starts an attacker's server on this machine, next to the demo. */
export function setUpAttacker(scheme: 'http' | 'https' = 'http'): Attacker {
  const requests: IncomingMessage[] = []
  let server: Server
  let port: number
  let page = ''

  beforeAll(async () => {
    server = scheme === 'https' ? createHttpsServer(certificate) : createServer()
    server.on('request', (request, response) => {
      requests.push(request)
      response.setHeader('content-type', 'text/html').end(`<!doctype html>${page}`)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    port = (server.address() as AddressInfo).port
  })

  afterEach(() => {
    requests.length = 0
    page = ''
  })

  afterAll(async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  })

  return {
    get otherSite() {
      return `${scheme}://127.0.0.1:${port}`
    },
    get sameSite() {
      return `${scheme}://localhost:${port}`
    },
    get port() {
      return port
    },
    requests,
    write(markup) {
      page = markup
    },
  }
}
