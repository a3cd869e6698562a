import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Connection } from '../http/connection.ts'
import type { Deadline } from '../providers/deadline.ts'
import type { ProviderClient } from '../providers/provider-client.ts'
import type { Flow } from './flow-contents.ts'

/** A request for one of the routes of a provider's flows. */
export interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly client: ProviderClient
}

/** A browser that has come back from the provider, and its flow. */
export interface Callback extends Visit {
  readonly flow: Flow
  readonly deadline: Deadline
  readonly connection: Connection
  /** Whether the flow has been used up. */
  flowUsed: boolean
}
