import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Sends one request to an application, byte by byte as it is written (latin1), and gives the whole
 * answer: for what no HTTP client would send. Lines end by CRLF, and the connection is closed.
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
  // A server that has had enough answers and hangs up.
  socket.on('error', () => undefined)
  socket.write([...lines, 'Connection: close', '', body].join('\r\n'), 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}
