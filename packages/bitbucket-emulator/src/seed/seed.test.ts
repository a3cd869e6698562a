import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { profiles } from '../rules/profiles.ts'
import { defaultConsumer, defaultPeople } from './people.ts'
import { readSeed } from './seed.ts'

const uuid = expect.stringMatching(/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/)
const acme = {
  slug: 'acme',
  name: 'acme',
  uuid,
  owners: ['ada'],
  projectCreators: [],
  members: ['ben'],
}

describe('a seed', () => {
  it('defaults to the built-in people, workspace and consumer', () => {
    expect(readSeed(undefined)).toEqual({
      people: defaultPeople,
      workspaces: [acme],
      consumers: [{ ...defaultConsumer, workspace: acme }],
    })
  })

  it('with only people keeps the built-in consumer, and makes the people members of the workspace', () => {
    const { people, workspaces, consumers } = readSeed({ people: [{ nickname: 'sam' }] })
    const samsAcme = { ...acme, owners: ['sam'], members: [] }
    expect(people.map(({ nickname }) => nickname)).toEqual(['sam'])
    expect(workspaces).toEqual([samsAcme])
    expect(consumers).toEqual([{ ...defaultConsumer, workspace: samsAcme }])
  })

  it('requires only a nickname, and always derives the same person from it', () => {
    const read = () => readSeed({ people: [{ nickname: 'sam' }, { nickname: 'kim' }] }).people
    expect(read()).toEqual(read())
    const [sam, kim] = read()
    expect(sam).toEqual({
      nickname: 'sam',
      displayName: 'sam',
      uuid,
      accountId: expect.stringMatching(/^[0-9a-f]{24}$/),
      accountStatus: 'active',
      emails: [{ email: 'sam@example.com', isPrimary: true, isConfirmed: true }],
    })
    expect(kim?.uuid).not.toBe(sam?.uuid)
    expect(kim?.accountId).not.toBe(sam?.accountId)
  })

  it('accepts a consumer without a callback, and names it after its client id', () => {
    const { consumers } = readSeed({ consumers: [{ clientId: 'c', clientSecret: 's' }] })
    expect(consumers).toEqual([
      {
        clientId: 'c',
        clientSecret: 's',
        name: 'c',
        scopes: ['account', 'email'],
        isPrivate: false,
        workspace: acme,
      },
    ])
  })

  it.each([
    ['2026', 32, 76],
    ['legacy', 18, 32],
  ] as const)(
    'generates credentials with the length that the profile %s sets',
    (profile, idLength, secretLength) => {
      const read = () => readSeed({ consumers: [{ name: 'Mine' }] }, profiles[profile]).consumers[0]
      expect(read()?.clientId).toHaveLength(idLength)
      expect(read()?.clientSecret).toHaveLength(secretLength)
      expect(read()).toEqual(read())
    },
  )

  it('sets the roles in a workspace, and the workspace of a consumer', () => {
    const workspaces = [
      { slug: 'one', owners: ['ada'], projectCreators: ['unconfirmed'] },
      { slug: 'two', name: 'The second', owners: ['ben', 'ada'], members: ['no-email'] },
    ]
    const consumers = [
      { clientId: 'c', clientSecret: 's' },
      { clientId: 'd', clientSecret: 's', workspace: 'two', isPrivate: true },
    ]
    const read = readSeed({ workspaces, consumers })
    expect(read.workspaces).toEqual([
      {
        slug: 'one',
        name: 'one',
        uuid,
        owners: ['ada'],
        projectCreators: ['unconfirmed'],
        members: [],
      },
      {
        slug: 'two',
        name: 'The second',
        uuid,
        owners: ['ben', 'ada'],
        projectCreators: [],
        members: ['no-email'],
      },
    ])
    expect(read.workspaces[0]?.uuid).not.toBe(read.workspaces[1]?.uuid)
    expect(read.consumers.map(({ workspace }) => workspace.slug)).toEqual(['one', 'two'])
    expect(read.consumers[1]?.isPrivate).toBe(true)
  })
})

it('accepts the seed in the README', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, example = ''] = /```json\n(.*?)```/s.exec(readme) ?? []
  const { people, consumers } = readSeed(JSON.parse(example))
  expect(people.map(({ nickname }) => nickname)).toEqual(['sam', 'kim'])
  expect(consumers[0]?.isPrivate).toBe(true)
})

const person = { nickname: 'sam' }
const email = { email: 'sam@example.com', isPrimary: true, isConfirmed: true }
const consumer = { clientId: 'c', clientSecret: 's' }
const workspace = { slug: 'acme', owners: ['ada'] }

it.each([
  [[], 'seed must be an object'],
  [
    { peeple: [] },
    'seed has an unknown field "peeple". The fields are people, workspaces, consumers.',
  ],
  [{ people: {} }, 'people must be an array'],
  [{ people: [] }, 'people is empty. Add an item, or omit the field to use the default.'],
  [{ people: ['sam'] }, 'people[0] must be an object'],
  [{ people: [{}] }, 'people[0].nickname is missing. Set it to the name of the account.'],
  [{ people: [person, { nickname: ' ' }] }, 'people[1].nickname must be a non-empty string'],
  [{ people: [{ ...person, nickName: 'x' }] }, 'people[0] has an unknown field "nickName"'],
  [{ people: [{ ...person, displayName: 7 }] }, 'people[0].displayName must be a non-empty string'],
  [
    { people: [{ ...person, displayName: '\ud83d' }] },
    'people[0].displayName contains a lone surrogate',
  ],
  [{ people: [{ ...person, uuid: 'x' }] }, 'people[0].uuid must be a uuid in braces'],
  [{ people: [{ ...person, accountId: '' }] }, 'people[0].accountId must be a non-empty string'],
  [
    { people: [{ ...person, accountStatus: true }] },
    'people[0].accountStatus must be a non-empty string',
  ],
  [
    { people: [person, { nickname: 'SAM' }] },
    'The nickname "sam" appears twice in people. Each must be unique.',
  ],
  [{ people: [{ ...person, emails: 'x' }] }, 'people[0].emails must be an array'],
  [{ people: [{ ...person, emails: [{}] }] }, 'people[0].emails[0].email is missing'],
  [
    { people: [{ ...person, emails: [{ ...email, isPrimary: 'yes' }] }] },
    'people[0].emails[0].isPrimary must be true or false',
  ],
  [
    { people: [{ ...person, emails: [{ email: 'sam@example.com' }] }] },
    'people[0].emails[0].isPrimary is missing. Set it to true or false',
  ],
  [
    { people: [{ ...person, emails: [email, { ...email, email: 'Sam@example.com' }] }] },
    'The email "sam@example.com" appears twice in people[0].emails.',
  ],
  [
    { people: [{ ...person, emails: [email, { ...email, email: 'b@example.com' }] }] },
    'people[0].emails has more than one primary address',
  ],
  [{ workspaces: [] }, 'workspaces is empty'],
  [
    { workspaces: [{ ...workspace, slug: 'Acme Inc' }] },
    'workspaces[0].slug must consist of lower-case letters, digits, - and _.',
  ],
  [{ workspaces: [{ slug: 'acme' }] }, 'workspaces[0].owners is missing. Set it to an array'],
  [{ workspaces: [{ slug: 'acme', owners: [] }] }, 'workspaces[0].owners is empty'],
  [
    { workspaces: [{ slug: 'acme', owners: ['nobody'] }] },
    'workspaces[0].owners[0] must be a nickname from people: ada, ben, ',
  ],
  [
    { workspaces: [{ ...workspace, members: ['ada'] }] },
    'The nickname "ada" appears twice in workspaces[0].owners, projectCreators and members.',
  ],
  [{ workspaces: [workspace, workspace] }, 'The slug "acme" appears twice in workspaces.'],
  [{ workspaces: [{ ...workspace, uuid: 'x' }] }, 'workspaces[0].uuid must be a uuid in braces'],
  [{ consumers: [] }, 'consumers is empty'],
  [{ consumers: [{}] }, 'consumers[0].clientId is missing. Set it, or set a name to generate it.'],
  [{ consumers: [{ name: 7 }] }, 'consumers[0].name must be a non-empty string'],
  [{ consumers: [{ ...consumer, isPrivate: 1 }] }, 'consumers[0].isPrivate must be true or false'],
  [
    { consumers: [{ ...consumer, workspace: 'none' }] },
    'consumers[0].workspace must be the slug of a workspace: acme.',
  ],
  [
    { consumers: [{ ...consumer, clientSecret: 'a:b' }] },
    'consumers[0].clientSecret must consist of letters, digits, -, . and _.',
  ],
  [{ consumers: [consumer, consumer] }, 'The clientId "c" appears twice in consumers.'],
  [
    { consumers: [{ ...consumer, callbackUrl: '/callback' }] },
    'consumers[0].callbackUrl must be an absolute http or https URL',
  ],
  [
    { consumers: [{ ...consumer, callbackUrl: 'https://u@example.com/' }] },
    'consumers[0].callbackUrl must be an absolute http or https URL',
  ],
  [
    { consumers: [{ ...consumer, scopes: ['read:user:bitbucket'] }] },
    "consumers[0].scopes[0] must be one of Bitbucket's scopes: account, ",
  ],
])('rejects an invalid seed and names the field: %j', (seed, problem) => {
  expect(() => readSeed(seed)).toThrow(problem)
})
