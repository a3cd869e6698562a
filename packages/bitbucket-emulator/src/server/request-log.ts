import type { IncomingHttpHeaders } from 'node:http'

/** One request that the emulator received, whatever it answered. */
export interface RecordedRequest {
  readonly method: string
  /** As it was sent, without the query. */
  readonly path: string
  /** The last value of each parameter. */
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The last value of each field of a form, or the text of any other body. */
  readonly body: Readonly<Record<string, string>> | string
  /** What was answered; `null` as long as nothing was. */
  readonly status: number | null
  /** When it came, by the emulator's clock, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** The requests that were received, oldest first. */
export interface RequestLog {
  /** The newest 10,000. */
  readonly requests: readonly RecordedRequest[]
  /** Adds a request on its arrival. Its body and status are filled in once they are known. */
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
