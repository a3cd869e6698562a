import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * A connection that stays open and sends one request at a time, with minimal overhead. Node's own HTTP client
 * takes longer to send a request than some servers take to respond.
 */
export interface Connection {
  /**
   * Sends a request.
   * @param request The complete text of the request.
   */
  ask(request: string, answered: (answer: Answer) => void): void
  close(): void
}

export interface Answer {
  readonly status: number
  /** The status line and the headers. */
  readonly head: string
  readonly body: string
}

const HEAD_END = '\r\n\r\n'

/**
 * Opens a connection.
 * @param failed Called if the connection is lost, or if a response has no `Content-Length`.
 */
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
    if (!closed) failed(new Error(`The server at port ${port} closed a connection`))
  })
  socket.on('data', (data: string) => {
    received = received === '' ? data : received + data
    const headEnd = received.indexOf(HEAD_END)
    if (headEnd === -1) return
    const head = received.slice(0, headEnd)
    const length = lengthOf(head)
    if (Number.isNaN(length)) return failed(new Error(`A response has no Content-Length: ${head}`))
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

/** Sends a request and resolves with its response. */
export function answerTo(connection: Connection, request: string): Promise<Answer> {
  return new Promise((resolve) => connection.ask(request, resolve))
}

/**
 * Reads `Content-Length` in the form that Fastify writes. A regular expression would take longer than everything else
 * together.
 */
function lengthOf(head: string): number {
  const at = head.indexOf('\ncontent-length: ')
  return at === -1 ? Number.NaN : Number.parseInt(head.slice(at + 17, at + 27), 10)
}

/**
 * Returns the text of a `GET` request.
 * @param header A complete header line, or an empty string.
 */
export function get(path: string, header = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost:3000\r\n${header && `${header}\r\n`}\r\n`
}
