import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Starts listening on 127.0.0.1 and returns the base URL.
 * @throws Error if the port is unavailable. The message says how to choose another.
 */
export async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(portTrouble(port, cause.code), { cause })
  })
  const { port: actualPort } = server.address() as AddressInfo
  return `http://127.0.0.1:${actualPort}`
}

function portTrouble(port: number, code: string | undefined): string {
  const problem = code === 'EADDRINUSE' ? 'is already in use' : `cannot be opened (${code})`
  return `Port ${port} ${problem}. Choose another with the option \`port\` or the flag --port; 0 selects a free port.`
}
