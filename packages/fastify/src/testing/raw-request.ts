import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Sends one request to a listening application, byte by byte as it is written (latin1), and gives the
 * whole answer: for what no HTTP client would send. Lines end by CRLF, and the connection is closed.
 */
export async function sendRaw(
  app: FastifyInstance,
  lines: readonly string[],
  body = '',
): Promise<string> {
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.write([...lines, 'Connection: close', '', body].join('\r\n'), 'latin1')
  let answer = ''
  for await (const chunk of socket.setEncoding('latin1')) answer += chunk
  return answer
}
