import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A proxy between a server and its PostgreSQL database. Tests use it to cause faults. */
export interface Proxy {
  /** The original URL, through the proxy. */
  readonly url: string
  /** Passes everything on from now on. */
  pass(): void
  /** Accepts no more connections. */
  refuse(): void
  /** Sends nothing on old and new connections, without closing them. */
  hang(): void
  /** Holds back every response to a query until `pass` is called. Clients can still connect. */
  hold(): void
  /** Drops all connections. */
  cut(): void
  /** Routes new connections to another server, and drops the old ones. */
  leadTo(url: string): void
  /** The number of open connections. */
  readonly connections: number
}

export interface ProxyOptions {
  /**
   * Behaves like PgBouncer with transaction pooling: a client sees a different process than its own, and
   * receives no notifications.
   */
  readonly pooler?: boolean
}

/** Starts a proxy for a PostgreSQL server. It runs until the end of the test. The URL must not require TLS. */
export async function startProxy(
  url: string,
  { pooler = false }: ProxyOptions = {},
): Promise<Proxy> {
  let target = new URL(url)
  let state: 'passing' | 'refusing' | 'hanging' | 'holding' = 'passing'
  const held: (() => void)[] = []
  const sockets = new Set<Socket>()

  const server = createServer({ allowHalfOpen: true }, (client) => {
    keep(client)
    if (state === 'refusing') {
      client.destroy()
      return
    }
    if (state === 'hanging') return
    const database = connect({
      port: Number(target.port),
      host: target.hostname,
      allowHalfOpen: true,
    })
    keep(database)
    const translate = pooler ? asPooler() : (chunk: Buffer) => chunk
    client.on('data', (chunk) => state === 'hanging' || database.write(chunk))
    let isReady = false
    database.on('data', (chunk) => {
      if (state === 'hanging') return
      const answer = translate(chunk)
      if (state === 'holding' && isReady) held.push(() => client.write(answer))
      else client.write(answer)
      // ReadyForQuery is the last message when a connection starts, and the last message of every response.
      isReady ||= chunk.at(-6) === 'Z'.charCodeAt(0)
    })
    client.on('end', () => state === 'hanging' || database.end())
    database.on('end', () => state === 'hanging' || client.end())
    client.on('close', () => database.destroy())
    database.on('close', () => state === 'hanging' || client.destroy())
  })

  function keep(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    cut()
    server.close()
  })

  const own = new URL(url)
  own.port = String((server.address() as AddressInfo).port)
  own.hostname = '127.0.0.1'
  return {
    url: own.href,
    pass() {
      state = 'passing'
      for (const answer of held.splice(0)) answer()
    },
    refuse() {
      state = 'refusing'
    },
    hang() {
      state = 'hanging'
    },
    hold() {
      state = 'holding'
    },
    cut,
    leadTo(other) {
      target = new URL(other)
      cut()
    },
    get connections() {
      return sockets.size / 2
    },
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
function asPooler(): (chunk: Buffer) => Buffer {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    const passed: Buffer[] = []
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1)
      const message = Buffer.from(rest.subarray(0, end))
      rest = rest.subarray(end)
      const type = String.fromCharCode(message[0] ?? 0)
      if (type === 'K') message.writeInt32BE(message.readInt32BE(5) ^ 0x5555, 5)
      if (type !== 'A') passed.push(message)
    }
    return Buffer.concat(passed)
  }
}
