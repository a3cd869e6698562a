import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Connection } from '../http/connection.ts'
import type { Deadline } from '../providers/client/deadline.ts'
import type { ProviderClient } from '../providers/client/provider-client.ts'
import type { Flow } from './flow-contents.ts'

/** A request to the start or callback route of a provider. */
export interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly client: ProviderClient
}

/** A request to the callback route, with its flow. */
export interface Callback extends Visit {
  readonly flow: Flow
  readonly deadline: Deadline
  readonly connection: Connection
  /** The form fields that the provider posted for `profile()`. */
  readonly posted: Readonly<Record<string, string | undefined>>
  /** Whether the flow has been marked as used. */
  flowUsed: boolean
}
