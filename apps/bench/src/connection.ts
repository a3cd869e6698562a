import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * One kept connection that asks one thing at a time, with nothing in between that costs: Node's own HTTP
 * client takes longer to ask than some servers take to answer.
 */
export interface Connection {
  /** @param request Whole, as it goes over the wire. */
  ask(request: string, answered: (answer: Answer) => void): void
  close(): void
}

export interface Answer {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: string
}

const HEAD_END = '\r\n\r\n'

/** @param failed Called once if the connection is lost, or says what is no answer with a length. */
export async function openConnection(
  port: number,
  failed: (error: Error) => void,
): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let received = ''
  let waiting: ((answer: Answer) => void) | null = null
  let closed = false

  await once(socket, 'connect')
  socket.setEncoding('latin1')
  socket.on('error', failed)
  socket.on('close', () => {
    if (!closed) failed(new Error(`The server at port ${port} has closed a connection`))
  })
  socket.on('data', (data: string) => {
    received = received === '' ? data : received + data
    const headEnd = received.indexOf(HEAD_END)
    if (headEnd === -1) return
    const head = received.slice(0, headEnd)
    const length = lengthOf(head)
    if (Number.isNaN(length)) return failed(new Error(`An answer without a length: ${head}`))
    const bodyStart = headEnd + HEAD_END.length
    const end = bodyStart + length
    if (received.length < end) return
    const body = received.slice(bodyStart, end)
    received = ''
    const answered = waiting
    waiting = null
    answered?.({ status: Number(head.slice(9, 12)), head, body })
  })

  return {
    ask(request, answered) {
      waiting = answered
      socket.write(request, 'latin1')
    },
    close() {
      closed = true
      socket.destroy()
    },
  }
}

/** The same for who can wait. */
export function answerTo(connection: Connection, request: string): Promise<Answer> {
  return new Promise((resolve) => connection.ask(request, resolve))
}

/** As Fastify writes it; a regular expression takes longer than the rest. */
function lengthOf(head: string): number {
  const at = head.indexOf('\ncontent-length: ')
  return at === -1 ? Number.NaN : Number.parseInt(head.slice(at + 17, at + 27), 10)
}

/** @param header A whole header line, or nothing. */
export function get(path: string, header = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost:3000\r\n${header && `${header}\r\n`}\r\n`
}
