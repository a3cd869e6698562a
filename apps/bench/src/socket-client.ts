import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { obey, sharedClock } from './processes.ts'

// Keeps many WebSockets open. After the handshake they are plain TCP sockets, because nothing is sent on them.

export interface OpenOrder {
  readonly port: number
  /** A header line for each socket. */
  readonly headers: readonly string[]
}

/** How many handshakes may run at the same time. */
const HANDSHAKES = 64

const open = new Set<Socket>()
/**
 * The times at which the server closed the sockets, according to `sharedClock`, in the order in which it closed them.
 */
const closings: number[] = []
let waiting: { readonly count: number; resolve(time: number): void } | undefined

const orders = {
  /** Opens a socket for each header, and returns when the server has upgraded all of them. */
  async open({ port, headers }: OpenOrder): Promise<void> {
    const remaining = headers.values()
    const openInTurn = async (): Promise<void> => {
      for (const header of remaining) hold(await upgrade(port, header))
    }
    await Promise.all(Array.from({ length: HANDSHAKES }, openInTurn))
  },

  /** Returns how many sockets are open. */
  count(): number {
    return open.size
  },

  /** Waits until the server has closed this many sockets in total, and returns when it closed the last one. */
  closed(count: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    waiting = { count, resolve }
    report()
    return promise
  },

  /** Closes all sockets from this side. */
  close(): void {
    for (const socket of open) {
      socket.removeAllListeners('close')
      socket.destroy()
    }
    open.clear()
  },
}

export type SocketClient = typeof orders

function hold(socket: Socket): void {
  open.add(socket)
  // A connection that was reset also counts as closed.
  socket.on('error', () => {})
  socket.on('close', () => {
    open.delete(socket)
    closings.push(sharedClock())
    report()
  })
  socket.resume()
}

function report(): void {
  const time = waiting && closings[waiting.count - 1]
  if (time !== undefined) waiting?.resolve(time)
}

/**
 * Opens a WebSocket.
 * @throws Error unless the server responds with 101
 */
async function upgrade(port: number, header: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  let received = ''
  const read = (data: Buffer): void => {
    received += data.toString('latin1')
    if (!received.includes('\r\n\r\n')) return
    if (received.startsWith('HTTP/1.1 101 ')) resolve(socket)
    else reject(new Error(`The server rejected a WebSocket: ${received}`))
  }
  const lose = (): void => reject(new Error('The server closed a connection during its handshake'))
  socket.on('data', read).on('error', reject).on('close', lose)
  socket.write(
    [
      'GET /socket HTTP/1.1',
      'host: localhost:3000',
      header,
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
      '\r\n',
    ].join('\r\n'),
  )
  await promise
  socket.off('data', read).off('error', reject).off('close', lose)
  return socket
}

obey(orders)
