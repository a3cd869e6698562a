import { describe, expect, it } from 'vitest'
import { defineProvider, type List, type Provider, type ReadProfile, read } from '../index.ts'
import { type ContractTest, type KnownPerson, providerContract } from './provider-contract.ts'

const ME = 'https://api.acme.example/me'
const ADDRESSES = 'https://api.acme.example/addresses'

type Answered = { readonly addresses: List }

const careful = ({ addresses: { rows, complete } }: Answered): ReadProfile['email'] =>
  read.email(rows.find((row) => row.primary === true)?.email) ?? (complete ? null : undefined)

function acme(
  email: (answers: Answered) => ReadProfile['email'] = careful,
  optional: { readonly optional?: string } = { optional: 'addresses' },
): Provider {
  return defineProvider({
    id: 'acme',
    name: 'Acme',
    clientId: 'a-client',
    clientSecret: 'a-client-secret',
    authorize: 'https://id.acme.example/authorize',
    token: 'https://id.acme.example/token',
    scope: [],
    vouchesForEmail: true,
    steps: {
      me: { url: ME },
      addresses: {
        url: ADDRESSES,
        read: 'list',
        pages: { rows: 'rows', next: 'next' },
        isRow: ({ primary, email }) => typeof primary === 'boolean' && typeof email === 'string',
        isEnough: ({ primary }) => primary === true,
        ...optional,
      },
    },
    profile: ({ me, addresses }) => ({ subject: read.id(me.id), email: email({ addresses }) }),
  })
}

const other = { email: 'other@example.com', primary: false }
const primary = { email: 'ada@example.com', primary: true }
const first = { body: { rows: [other], next: `${ADDRESSES}?page=2` } }
const second = { body: { rows: [primary] } }

function person(addresses: NonNullable<KnownPerson['responses']>[string]): KnownPerson {
  return {
    title: 'a person',
    source: 'this test',
    responses: { me: { body: { id: 1 } }, addresses },
    profile: { subject: '1', email: 'ada@example.com' },
  }
}

async function run(tests: readonly ContractTest[]): Promise<Record<string, string>> {
  const failed: Record<string, string> = {}
  for (const { title, run } of tests) {
    await run().catch((error: unknown) => {
      failed[title] = String(error)
    })
  }
  return failed
}

describe('a list with several pages', () => {
  it('is answered page by page, at the URL of each link', async () => {
    const middle = { body: { rows: [], next: `${ADDRESSES}?page=3` } }
    expect(await run(providerContract(acme(), [person([first, middle, second])]))).toEqual({})
  })

  it('passes if the step is not optional', async () => {
    const tests = providerContract(acme(careful, {}), [person([first, second])])
    expect(await run(tests)).toEqual({})
    expect(tests.map(({ title }) => title)).toContain(
      'refuses if a later page of addresses returns 503',
    )
  })

  it('fails if a page is not read', async () => {
    const unlinked = { body: { rows: [other] } }
    for (const pages of [
      [unlinked, second],
      [second, first],
    ]) {
      const failed = await run(providerContract(acme(), [person(pages)]))
      expect(failed['reads a person']).toContain('page 2 of `addresses` was not read')
    }
  })

  it('fails if a link leads outside the list', async () => {
    const outside = { body: { rows: [other], next: 'https://api.acme.example/others?page=2' } }
    const failed = await run(providerContract(acme(), [person([outside, second])]))
    expect(failed['reads a person']).toContain('page 2 of `addresses` was not read')
  })

  it('fails if a page is missing, although the step is optional', async () => {
    const failed = await run(providerContract(acme(), [person(first)]))
    expect(failed['reads a person']).toContain(
      'page 2 of `addresses` is missing: https://api.acme.example/addresses?page=2',
    )
  })

  it('fails for a sheet that does not check whether the list is complete', async () => {
    const careless = ({ addresses }: Answered): ReadProfile['email'] =>
      read.email(addresses.rows.find((row) => row.primary === true)?.email) ?? null
    const failed = await run(providerContract(acme(careless), [person([first, second])]))
    expect(failed['erases nothing if a later page of addresses returns 503']).toContain(
      'email is null although the list is not `complete`',
    )
  })

  it('has hostile values on each page', async () => {
    const trusting = ({ addresses }: Answered): ReadProfile['email'] => {
      const [, last] = addresses.rows
      return (last?.email as string | undefined)?.toLowerCase()
    }
    const failed = await run(providerContract(acme(trusting), [person([first, second])]))
    expect(failed['survives any value in any field']).toContain('responses.addresses.1.body.rows.0')
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'pages of a step without `pages`',
      { me: [{ body: {} }] },
      'a person: `responses.me` must be one response, because the step has no `pages`.',
    ],
    ['no page', { addresses: [] }, 'a person: `responses.addresses` must have at least one page.'],
  ])('rejects %s', (_what, responses, message) => {
    const known = { ...person(second), responses: responses as KnownPerson['responses'] }
    expect(() => providerContract(acme(), [known])).toThrow(message)
  })
})
