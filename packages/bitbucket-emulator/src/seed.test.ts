import { describe, expect, it } from 'vitest'
import { defaultConsumer, defaultPeople } from './people.ts'
import { readSeed } from './seed.ts'

describe('a seed', () => {
  it('that is left out means the built-in people and consumer', () => {
    expect(readSeed(undefined)).toEqual({ people: defaultPeople, consumers: [defaultConsumer] })
  })

  it('with people alone keeps the built-in consumer', () => {
    const { people, consumers } = readSeed({ people: [{ nickname: 'sam' }] })
    expect(people.map(({ nickname }) => nickname)).toEqual(['sam'])
    expect(consumers).toEqual([defaultConsumer])
  })

  it('needs no more than a nickname, and makes the same person of it each time', () => {
    const read = () => readSeed({ people: [{ nickname: 'sam' }, { nickname: 'kim' }] }).people
    expect(read()).toEqual(read())
    const [sam, kim] = read()
    expect(sam).toEqual({
      nickname: 'sam',
      displayName: 'sam',
      uuid: expect.stringMatching(/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/),
      accountId: expect.stringMatching(/^[0-9a-f]{24}$/),
      accountStatus: 'active',
      emails: [{ email: 'sam@example.com', isPrimary: true, isConfirmed: true }],
    })
    expect(kim?.uuid).not.toBe(sam?.uuid)
    expect(kim?.accountId).not.toBe(sam?.accountId)
  })

  it('may give a consumer no callback, and a name that is its client id', () => {
    const { consumers } = readSeed({ consumers: [{ clientId: 'c', clientSecret: 's' }] })
    expect(consumers).toEqual([
      { clientId: 'c', clientSecret: 's', name: 'c', scopes: ['account', 'email'] },
    ])
  })
})

const person = { nickname: 'sam' }
const email = { email: 'sam@example.com', isPrimary: true, isConfirmed: true }
const consumer = { clientId: 'c', clientSecret: 's' }

it.each([
  [[], 'seed must be an object'],
  [{ peeple: [] }, 'seed has an unknown field "peeple". Known are people, consumers.'],
  [{ people: {} }, 'people must be a list'],
  [{ people: [] }, 'people is empty. Give at least one, or leave it out for the default.'],
  [{ people: ['sam'] }, 'people[0] must be an object'],
  [{ people: [{}] }, 'people[0].nickname is missing. Give the name of the account.'],
  [{ people: [person, { nickname: ' ' }] }, 'people[1].nickname must be a text that is not empty'],
  [{ people: [{ ...person, nickName: 'x' }] }, 'people[0] has an unknown field "nickName"'],
  [{ people: [{ ...person, displayName: 7 }] }, 'people[0].displayName must be a text'],
  [{ people: [{ ...person, uuid: 'x' }] }, 'people[0].uuid must be a uuid in braces'],
  [{ people: [{ ...person, accountId: '' }] }, 'people[0].accountId must be a text'],
  [{ people: [{ ...person, accountStatus: true }] }, 'people[0].accountStatus must be a text'],
  [{ people: [person, { nickname: 'SAM' }] }, 'people has "sam" twice as nickname'],
  [{ people: [{ ...person, emails: 'x' }] }, 'people[0].emails must be a list'],
  [{ people: [{ ...person, emails: [{}] }] }, 'people[0].emails[0].email is missing'],
  [
    { people: [{ ...person, emails: [{ ...email, isPrimary: 'yes' }] }] },
    'people[0].emails[0].isPrimary must be true or false',
  ],
  [
    { people: [{ ...person, emails: [email, { ...email, email: 'Sam@example.com' }] }] },
    'people[0].emails has "sam@example.com" twice as email',
  ],
  [
    { people: [{ ...person, emails: [email, { ...email, email: 'b@example.com' }] }] },
    'people[0].emails has more than one primary address',
  ],
  [{ consumers: [] }, 'consumers is empty'],
  [{ consumers: [{}] }, 'consumers[0].clientId is missing'],
  [
    { consumers: [{ ...consumer, clientSecret: 'a:b' }] },
    'consumers[0].clientSecret may only have letters, digits and - . _ in it.',
  ],
  [{ consumers: [consumer, consumer] }, 'consumers has "c" twice as clientId'],
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
    'consumers[0].scopes[0] is not a scope of Bitbucket. There are account, ',
  ],
])('a wrong seed is refused by name: %j', (seed, problem) => {
  expect(() => readSeed(seed)).toThrow(problem)
})
