import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Orders } from './server.ts'

/** A server in a separate process. */
export interface Child {
  /**
   * Sends requests over a socket, like `inject()` in this process. Rejects if there is no response.
   */
  readonly app: Pick<FastifyInstance, 'inject'>
  readonly process: ChildProcess
  /** The port that it listens on. The host is 127.0.0.1. */
  readonly port: number
  /** The signal that killed it, or `null` if it exited on its own. */
  readonly ended: Promise<NodeJS.Signals | null>
}

const children: Child[] = []

/** Kills the processes that `startChild` started. */
export async function endChildren(): Promise<void> {
  for (const child of children.splice(0)) {
    child.process.kill('SIGKILL')
    await child.ended
  }
}

/** Starts `server.ts`, which is stopped when the test ends, if not earlier. */
export async function startChild(
  orders: Orders,
  { execArgv = [], execPath = process.execPath }: ForkOptions = {},
): Promise<Child> {
  const server = fork(new URL('./server.ts', import.meta.url), [JSON.stringify(orders)], {
    execArgv,
    execPath,
    env: { ...process.env, NODE_ENV: 'test' },
  })
  const ended = once(server, 'exit').then(([, signal]) => signal as NodeJS.Signals | null)
  const [port] = await Promise.race([
    once(server, 'message'),
    ended.then(() => {
      throw new Error('the server exited before it started listening')
    }),
  ])
  const inject = (options: InjectOptions): Promise<LightMyRequestResponse> => ask(port, options)
  const child = { app: { inject } as Pick<FastifyInstance, 'inject'>, process: server, port, ended }
  children.push(child)
  return child
}

/** The parts of `inject()` that a browser needs, over a separate connection for each request. */
async function ask(
  port: number,
  { method = 'GET', url, headers, payload }: InjectOptions,
): Promise<LightMyRequestResponse> {
  const body = payload === undefined ? undefined : JSON.stringify(payload)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const asked = request({
    host: '127.0.0.1',
    port,
    method,
    path: String(url),
    headers: { ...type, ...headers },
    agent: false,
  })
  asked.end(body)
  const [response] = await once(asked, 'response')
  const answer = await text(response)
  const { statusCode } = response
  const read = {
    statusCode,
    headers: response.headers,
    body: answer,
    json: () => JSON.parse(answer),
  }
  return read as LightMyRequestResponse
}
