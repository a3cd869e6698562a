import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { certificate } from './certificate.ts'

export interface Attacker {
  /** Where a browser takes its page for one of another site than the demo's. */
  readonly otherSite: string
  /** Where a browser takes it for one of the same site, and sends the demo's cookies along. */
  readonly sameSite: string
  /** The port of all its pages, which it serves under every name of this machine. */
  readonly port: number
  /** What it was asked during this test. */
  readonly requests: readonly IncomingMessage[]
  /** What its page, which answers to every path, has in it from now on. */
  write(markup: string): void
}

/** A server of somebody who means no good, on this machine as the demo is. */
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
