import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { fillSqlite } from './fill.ts'
import { type Program, start } from './processes.ts'
import { affordableSockets } from './signals.ts'
import type { SocketClient } from './socket-client.ts'
import type { SocketMode, SocketServer } from './socket-server.ts'

it('fires the signal of a banned user, then those of all others, and closes their sockets', async () => {
  const { client, server, users } = await openSockets('signal', 5)
  const ban = await server.ban(users[0] ?? '')
  expect(await server.fired()).toBe(1)
  expect(await client.closed(1)).toBeGreaterThan(ban.calledAt)
  expect(await client.count()).toBe(4)

  const { calledAt, cpu, firedAt } = await server.revokeEverything(4)
  expect(firedAt).toBeGreaterThan(calledAt)
  expect(cpu).toBeGreaterThan(0)
  await client.closed(5)
  expect(await server.fired()).toBe(5)
  expect(await client.count()).toBe(0)
})

it('creates the signals for the sockets that were opened last, and they fire like any other signal', async () => {
  const { client, server } = await openSockets('closed', 5)
  expect(await server.createSignals(3)).toBeGreaterThan(0)
  await server.revokeEverything(3)
  await client.closed(5)
  expect(await server.fired()).toBe(3)
})

it('keeps sockets open after their sessions end, on a server that does not watch sessions', async () => {
  const { client, server } = await openSockets('kept', 5)
  await server.revokeEverything(0)
  expect(await client.count()).toBe(5)
})

it('fails when the server rejects a socket', async () => {
  const { client, port } = await openSockets('signal', 1)
  const stranger = { port, headers: ['cookie: none=1'] }
  await expect(client.open(stranger)).rejects.toThrow('rejected a WebSocket: HTTP/1.1 401')
})

it('opens fewer sockets, with a note, if a process cannot open enough files', () => {
  expect(affordableSockets(10_000, 20_000)).toEqual({ sockets: 10_000 })
  expect(affordableSockets(10_000, Number.POSITIVE_INFINITY)).toEqual({ sockets: 10_000 })
  expect(affordableSockets(10_000, 1_024)).toEqual({
    sockets: 824,
    note: expect.stringMatching(/^only 824 sockets instead of 10000, .*`ulimit -n`/),
  })
  expect(() => affordableSockets(10_000, 100)).toThrow('Raise the limit with `ulimit -n`')
})

/** Opens this many sockets, each for a different user. */
async function openSockets(
  mode: SocketMode,
  sockets: number,
): Promise<{
  server: Program<SocketServer>
  client: Program<SocketClient>
  port: number
  users: readonly string[]
}> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const server = await start<SocketServer>('socket-server.ts', { measured: false })
  const client = await start<SocketClient>('socket-client.ts', { measured: false })
  onTestFinished(async () => {
    await client.end()
    await server.end()
    rmSync(folder, { recursive: true })
  })
  const port = await server.serve(mode, { folder, postgresUrl: '' })
  const amounts = { sessions: sockets, inUse: sockets, away: 0, fresh: 0 }
  const { inUse } = fillSqlite(join(folder, 'latchkey.db'), amounts)
  await client.open({ port, headers: inUse.map(({ header }) => header) })
  return { server, client, port, users: inUse.map(({ person }) => person.id) }
}
