import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What stands between a server and its PostgreSQL, and what may go wrong with it. */
export interface Proxy {
  /** The URL that it was made for, through it. */
  readonly url: string
  /** Lets everything through again, that which comes from now on. */
  pass(): void
  /** Takes no more connections. */
  refuse(): void
  /** Answers nothing, on old connections and new ones, and does not say that they are of no use. */
  hang(): void
  /** Keeps every answer to a question back until it passes again; connections are made as ever. */
  hold(): void
  /** Cuts all connections. */
  cut(): void
  /** Leads new connections elsewhere, and cuts the old ones. */
  leadTo(url: string): void
  /** How many connections there are. */
  readonly connections: number
}

export interface ProxyOptions {
  /**
   * To do what PgBouncer does with a pool of transactions: a client is told of a process that is not the
   * one it gets, and of notifications it hears nothing.
   */
  readonly pooler?: boolean
}

/** Stands in front of a PostgreSQL until the test is over. Its URL must not ask for TLS. */
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
      // The last message of a start, and of every answer: ReadyForQuery.
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
