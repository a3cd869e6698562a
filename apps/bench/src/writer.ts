import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { obey } from './processes.ts'

// Runs as a second process that writes to Latchkey's SQLite file, as another server on the same machine would.

export interface WriteResult {
  readonly commits: number
  readonly seconds: number
}

const DAY = 24 * 60 * 60_000
/**
 * Out of every ten commits, one stores a new session, one deletes the oldest of the new sessions, and the others record
 * that a session was used.
 */
const CYCLE = 10

let isWriting = false
let writing: Promise<WriteResult> | undefined

const orders = {
  /** Starts committing at a steady rate, and returns immediately. */
  begin(file: string, commitsPerSecond: number): void {
    isWriting = true
    writing = write(file, commitsPerSecond)
  },

  /** Stops, and returns how many commits were made. */
  async stop(): Promise<WriteResult> {
    isWriting = false
    if (writing === undefined) throw new Error('The writer has not been started.')
    return writing
  },
}

async function write(file: string, commitsPerSecond: number): Promise<WriteResult> {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec('pragma synchronous = normal; pragma foreign_keys = on')
  const sessions = database
    .prepare('select id, user_id from latchkey_sessions')
    .all() as unknown as readonly { id: string; user_id: string }[]
  const touch = database.prepare('update latchkey_sessions set last_used_at = ? where id = ?')
  const insert = database.prepare(
    'insert into latchkey_sessions (id, user_id, secret_hash, created_at, authenticated_at, last_used_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = database.prepare('delete from latchkey_sessions where id = ?')
  const inserted: string[] = []
  const started = performance.now()
  let commits = 0

  function commit(): void {
    const now = Date.now()
    const { id, user_id } = sessions[Math.floor(Math.random() * sessions.length)] ?? {}
    if (id === undefined || user_id === undefined) throw new Error('The file has no sessions.')
    if (commits % CYCLE === 0) {
      const added = randomBytes(16).toString('base64url')
      insert.run(added, user_id, 'no secret has this hash', now, now, now, now + DAY)
      inserted.push(added)
    } else if (commits % CYCLE === CYCLE / 2) {
      remove.run(inserted.shift() ?? '')
    } else {
      touch.run(now, id)
    }
    commits++
  }

  while (isWriting) {
    const due = ((performance.now() - started) / 1000) * commitsPerSecond
    if (commits < due) commit()
    else await setTimeout(5)
  }
  database.close()
  return { commits, seconds: (performance.now() - started) / 1000 }
}

export type Writer = typeof orders

obey(orders)
