import { answerTo, get, openConnection } from './connection.ts'
import { obey } from './processes.ts'

export interface RevokeOrder {
  /** The ports of all nodes. The first node revokes. */
  readonly ports: readonly number[]
  /** The header line of each session's visitor. */
  readonly headers: readonly string[]
}

export interface RevokeResult {
  /** Milliseconds from the acknowledgement of a revocation until another node has rejected the session. */
  readonly latencies: readonly number[]
  /** How many requests other nodes admitted after an acknowledgement. */
  readonly letThrough: number
}

const orders = {
  /** Revokes one session after the other, and checks each on all nodes before and after. */
  async revoke({ ports, headers }: RevokeOrder): Promise<RevokeResult> {
    const failure = Promise.withResolvers<never>()
    const open = await Promise.all(ports.map((port) => openConnection(port, failure.reject)))
    const [revoking, ...others] = open.map(
      (connection) => (request: string) =>
        Promise.race([answerTo(connection, request), failure.promise]),
    )
    if (revoking === undefined) throw new Error('The order has no ports.')
    const latencies: number[] = []
    let letThrough = 0

    for (const header of headers) {
      const me = get('/me', header)
      for (const ask of [revoking, ...others]) {
        const { status, body } = await ask(me)
        if (status !== 200)
          throw new Error(`The session is invalid before it is revoked: ${status} ${body}`)
      }
      const [, id] = /=([\w-]+)\./.exec(header) ?? []
      const { status } = await revoking(`POST /revoke/${id} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
      if (status !== 200) throw new Error(`The revocation failed with status ${status}.`)
      const acknowledged = performance.now()

      const own = revoking(me)
      await Promise.all(
        others.map(async (ask) => {
          for (;;) {
            const answer = await ask(me)
            if (answer.status === 401) break
            if (answer.status !== 200) throw new Error(`${answer.head}\n${answer.body}`)
            letThrough++
          }
          latencies.push(performance.now() - acknowledged)
        }),
      )
      if ((await own).status !== 401)
        throw new Error('The node that revoked the session still admits it.')
    }
    for (const connection of open) connection.close()
    return { latencies, letThrough }
  },
}

export type Revoker = typeof orders

obey(orders)
