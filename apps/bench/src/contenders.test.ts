import { mkdtempSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { askRun } from '../../../packages/fastify/src/testing/postgres-server.ts'
import { type Contender, makePeople, type Visitor } from './contenders/contender.ts'
import { contenders } from './contenders.ts'
import { createDatabase } from './database.ts'

const asked: string[] = []

// Fail every connection that leaves this machine.
beforeAll(() => {
  const { connect } = Socket.prototype
  Socket.prototype.connect = function connectOnLoopback(...given: unknown[]) {
    const [first, second] = given.flat() as [{ host?: string } | number, string?]
    const host = typeof first === 'object' ? first.host : second
    if (host !== '127.0.0.1') {
      asked.push(`${host}`)
      throw new Error(`The network is disabled, but a contender connects to ${host}.`)
    }
    return Reflect.apply(connect, this, given)
  }
  return () => {
    Socket.prototype.connect = connect
  }
})

const { bare, ...checking } = contenders

describe.each(Object.entries(checking))('%s', (_name, contender) => {
  let visit: Visit
  beforeAll(async () => {
    asked.length = 0
    visit = await open(contender)
    return visit.close
  })

  it('returns the right person for each session', async () => {
    for (const { person, header } of visit.visitors) {
      expect(await visit.me(header)).toEqual({ status: 200, body: person })
    }
  })

  it('rejects a missing and a forged session', async () => {
    expect(await visit.me(null)).toMatchObject({ status: 401 })
    const [visitor] = visit.visitors
    const forged = `${visitor?.header}`.replace(/(?<==|Bearer )[^;]+/g, (value) =>
      [...value].reverse().join(''),
    )
    expect(await visit.me(forged)).toMatchObject({ status: 401 })
  })

  it('connects to no other host', () => expect(asked).toEqual([]))
})

it('the bare route accepts a request without a session', async () => {
  const visit = await open(bare as Contender)
  onTestFinished(visit.close)
  expect(await visit.me(null)).toEqual({ status: 200, body: visit.visitors[0]?.person })
})

interface Visit {
  readonly visitors: readonly Visitor[]
  me(header: string | null): Promise<{ status: number; body: unknown }>
  close(): Promise<void>
}

async function open(contender: Contender): Promise<Visit> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const postgresUrl = await createDatabase(await askRun(inject('postgres'), 'url'))
  const { app, visitors } = await contender.build(makePeople(3), { folder, postgresUrl })
  return {
    visitors,
    async me(header) {
      const [name = '', value = ''] = header?.split(/: (.*)/, 2) ?? []
      const headers = header === null ? {} : { [name]: value }
      const answer = await app.inject({ url: '/me', headers })
      return { status: answer.statusCode, body: answer.json() }
    },
    async close() {
      await app.close()
      rmSync(folder, { recursive: true })
    },
  }
}
