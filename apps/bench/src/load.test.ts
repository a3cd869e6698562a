import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { Load } from './load.ts'
import { type Program, start } from './processes.ts'

let load: Program<Load>
beforeAll(async () => {
  load = await start<Load>('load.ts', { measured: false })
})
afterAll(() => load.end())

const headers = Array.from({ length: 20 }, (_, index) => `cookie: visitor=${index}`)
const order = { headers, connections: 8, seconds: 60, once: true }

it('distributes the requests among the servers, and waits for the last response', async () => {
  const servers = [await listen(), await listen()]
  const ports = servers.map(({ port }) => port)
  expect(await load.put({ ...order, ports })).toMatchObject({ requests: headers.length })
  const cookies = servers.flatMap(({ seen }) => seen)
  expect(cookies.toSorted()).toEqual(cookiesOf(headers))
})

it('sends all requests to each server when `each` is set', async () => {
  const servers = [await listen(), await listen()]
  const ports = servers.map(({ port }) => port)
  const { requests } = await load.put({ ...order, ports, each: true })
  expect(requests).toBe(2 * headers.length)
  for (const { seen } of servers) expect(seen.toSorted()).toEqual(cookiesOf(headers))
})

function cookiesOf(lines: readonly string[]): string[] {
  return lines.map((line) => line.slice('cookie: '.length)).toSorted()
}

async function listen(): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.headers.cookie}`)
    // The load generator can read this header only in the form that Fastify writes.
    response.writeHead(200, { 'content-length': 2 }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}
