import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Sends one request to an application, exactly as written (latin1), and returns the whole response. Use it
 * for requests that no HTTP client would send. Lines end with CRLF, and the connection is closed.
 */
export async function sendRaw(
  app: FastifyInstance,
  lines: readonly string[],
  body = '',
): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  // A server may close the connection early.
  socket.on('error', () => undefined)
  socket.write([...lines, 'Connection: close', '', body].join('\r\n'), 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}
