import type { IncomingHttpHeaders } from 'node:http'

/** A request that the emulator received. */
export interface RecordedRequest {
  readonly method: string
  /** The path as it was sent, without the query. */
  readonly path: string
  /** The query parameters. A repeated parameter has its last value. */
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The fields of a form (a repeated field has its last value), or the text of any other body. */
  readonly body: Readonly<Record<string, string>> | string
  /** The status of the response, `null` until the emulator responds. */
  readonly status: number | null
  /** The time at which the request arrived, according to the emulator's clock, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** The log of received requests. */
export interface RequestLog {
  /** The newest 10,000 requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** Adds a request on arrival. The caller fills in body and status on the returned record later. */
  add(arrival: Omit<RecordedRequest, 'body' | 'status'>): Pick<Writable, 'body' | 'status'>
  forget(): void
}

type Writable = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] }

const limit = 10_000

export function createRequestLog(): RequestLog {
  const requests: RecordedRequest[] = []
  return {
    requests,
    add(arrival) {
      const record: Writable = { ...arrival, body: '', status: null }
      requests.push(record)
      if (requests.length > limit) requests.shift()
      return record
    },
    forget() {
      requests.length = 0
    },
  }
}
