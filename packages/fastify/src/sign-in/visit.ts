import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Connection } from '../http/connection.ts'
import type { Deadline } from '../providers/deadline.ts'
import type { ProviderClient } from '../providers/provider-client.ts'
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
  /** Whether the flow has been marked as used. */
  flowUsed: boolean
}
