// What every provider must do, for the tests of its author. Published as `@latchkey/fastify/testing`.

import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import type { ErrorCode } from '@latchkey/contract'
import { FlowError } from '../http/errors.ts'
import { checkProviders } from './check-providers.ts'
import { startDeadline } from './client/deadline.ts'
import { readProfile } from './client/read-profile.ts'
import type { Ask } from './client/run-steps.ts'
import { answering, type KnownResponse, type KnownResponses, pagesOf } from './known-responses.ts'
import type { Profile, Provider, Row, Step } from './provider.ts'

export type { KnownResponse } from './known-responses.ts'

/** The answers about one person, and the profile that they must become. */
export interface KnownPerson {
  /** Who or what it is, for the title of the test: `a person without a name`. */
  readonly title: string
  /**
   * Where the answers are from: the vendor's page, or a public file with repository, path and commit.
   * Omit fields without a source.
   */
  readonly source: string
  /**
   * The response of each step, by the step's name. An array has the pages of a list. Each page links
   * to the next one as the provider does.
   */
  readonly responses?: KnownResponses | undefined
  /** The claims of the ID token, for OpenID Connect. */
  readonly claims?: Row | undefined
  /** The fields of the form, for a provider that posts its answer. */
  readonly posted?: Readonly<Record<string, string>> | undefined
  /** Every field that the profile must have. */
  readonly profile?: Partial<Omit<Profile, 'raw' | 'warnings'>> | undefined
  /** Set in place of `profile` if the person must be refused. */
  readonly refused?: ErrorCode | undefined
}

/** One behaviour, to be passed to a test runner. */
export interface ContractTest {
  readonly title: string
  run(): Promise<void>
}

/**
 * Returns the tests that every provider must pass, for any test runner. They send no request.
 *
 * @param provider With any client ID and secret.
 * @param people At least one person who can sign in.
 *
 * @example
 * import { it } from 'vitest'
 * import { providerContract } from '@latchkey/fastify/testing'
 *
 * const people = [
 *   {
 *     title: 'a person',
 *     source: 'https://docs.acme.example/api/me',
 *     responses: { me: { body: { id: 1, name: 'Ada Test' } } },
 *     profile: { subject: '1', name: 'Ada Test' },
 *   },
 * ]
 * for (const { title, run } of providerContract(acme, people)) it(title, run)
 */
export function providerContract(
  provider: Provider,
  people: readonly KnownPerson[],
): readonly ContractTest[] {
  for (const one of people) checkPerson(provider, one)
  const admitted = people.filter(({ refused }) => refused === undefined)
  const [person] = admitted
  if (person === undefined) {
    throw new Error(
      'Pass at least one person who can sign in: one with `profile` and without `refused`.',
    )
  }
  const forEach = (title: string, run: (one: KnownPerson) => Promise<void>): ContractTest => ({
    title,
    run: async () => {
      for (const one of admitted) await run(one)
    },
  })
  return [
    { title: 'is complete for production', run: async () => isComplete(provider) },
    ...people.map((one) => ({
      title: `reads ${one.title}`,
      run: () => readsPerson(provider, one),
    })),
    forEach('is a pure function of its answers', (one) => isPure(provider, one)),
    forEach('survives any value in any field', (one) => survives(provider, one)),
    forEach('erases nothing when a field is missing', (one) => erasesNothing(provider, one)),
    forEach('keeps the subject when the name and the address change', (one) =>
      keepsSubject(provider, one),
    ),
    ...(provider.posted.length === 0
      ? []
      : [
          {
            title: 'takes neither the subject nor the address from the posted form',
            run: () => distrustsForm(provider, person),
          },
        ]),
    ...Object.entries(provider.steps).flatMap(([name, step]) =>
      stepTests(provider, person, name, step),
    ),
    ...Object.entries(provider.steps).flatMap(([name, step]) => {
      const paged = admitted.find(({ responses }) => pagesOf(responses?.[name]).length > 1)
      return paged === undefined ? [] : [laterPageTest(provider, paged, name, step)]
    }),
    ...(provider.vouchesForEmail
      ? []
      : [
          {
            title: 'never calls an address verified',
            run: async () => strictEqual((await readPerson(provider, person)).emailVerified, false),
          },
        ]),
  ]
}

/** Finds mistakes that would make tests pass without testing anything. */
function checkPerson(
  { steps }: Provider,
  { title, source, responses = {}, profile, refused }: KnownPerson,
): void {
  if ((profile === undefined) === (refused === undefined)) {
    throw new Error(`${title}: set either \`profile\` or \`refused\`.`)
  }
  if (source.trim() === '')
    throw new Error(`${title}: \`source\` must say where the answers are from.`)
  for (const [name, response] of Object.entries(responses)) {
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined
    if (step === undefined) {
      const known = Object.keys(steps).join(', ') || 'none'
      throw new Error(`${title}: there is no step \`${name}\`. The steps are ${known}.`)
    }
    if (!Array.isArray(response)) continue
    if (step.pages === undefined) {
      throw new Error(
        `${title}: \`responses.${name}\` must be one response, because the step has no \`pages\`.`,
      )
    }
    if (response.length === 0) {
      throw new Error(`${title}: \`responses.${name}\` must have at least one page.`)
    }
  }
}

function isComplete(provider: Provider): void {
  checkProviders([provider], [], false)
}

async function readsPerson(provider: Provider, person: KnownPerson): Promise<void> {
  const { profile = {}, refused } = person
  if (refused !== undefined) {
    const message = `must be refused with ${refused}, but could sign in`
    await rejects(readPerson(provider, person), { name: 'FlowError', code: refused }, message)
    return
  }
  const pages = answering(provider, person.responses)
  const read: Readonly<Record<string, unknown>> = {
    ...(await readPerson(provider, person, pages.ask)),
  }
  deepStrictEqual(pages.mistakes(), [])
  for (const [name, value] of Object.entries(profile)) deepStrictEqual(read[name], value, name)
}

async function isPure(provider: Provider, person: KnownPerson): Promise<void> {
  const frozen = deepFreeze(structuredClone(person))
  deepStrictEqual(await readPerson(provider, frozen), await readPerson(provider, frozen))
}

/** Values that no field of a sheet may trust. */
const HOSTILE = [
  null,
  '',
  ' \u0000',
  0,
  Number.MAX_SAFE_INTEGER + 2,
  true,
  [],
  {},
  'x'.repeat(100_000),
]

async function survives(provider: Provider, person: KnownPerson): Promise<void> {
  for (const changed of changes(person, HOSTILE)) {
    const profile = await readPerson(provider, changed.person).catch((error: unknown) => {
      ok(error instanceof FlowError, `${changed.field}: ${String(error)}`)
      return null
    })
    if (profile === null) continue
    ok(/^[\x21-\x7e]{1,255}$/.test(profile.subject), changed.field)
    ok(!profile.subject.includes('undefined') && !profile.subject.includes('null'), changed.field)
    ok(typeof profile.email === 'string' || !profile.emailVerified, changed.field)
  }
}

async function erasesNothing(provider: Provider, person: KnownPerson): Promise<void> {
  const whole = await readPerson(provider, person)
  for (const { path, field, person: changed } of changes(person, [undefined])) {
    if (isLinkToNextPage(provider, path)) continue
    const profile = await readPerson(provider, changed).catch(() => null)
    if (profile === null) continue
    for (const name of ['name', 'email', 'avatarUrl'] as const) {
      const isKept = profile[name] === undefined || profile[name] === whole[name]
      ok(
        isKept,
        `without ${field}, ${name} replaces the stored value. Return undefined for it, or let isRow reject the row`,
      )
    }
  }
}

/** The last page is the one without a link, so a list without the link is another list. */
function isLinkToNextPage({ steps }: Provider, path: Path): boolean {
  const [root, name = '', page, , field] = path
  const pages = root === 'responses' ? steps[name]?.pages : undefined
  return (
    typeof pages === 'object' &&
    path.length === 5 &&
    /^\d+$/.test(page ?? '') &&
    field === pages.next
  )
}

/** A name or an address can move to another person, who must not become this one. */
async function keepsSubject(provider: Provider, person: KnownPerson): Promise<void> {
  const { subject, name, email } = await readPerson(provider, person)
  const { claims, posted, responses } = person
  const text = JSON.stringify({ claims, posted, responses }, (_, value: unknown) => {
    if (typeof value !== 'string') return value
    if (value === email) return 'someone-else@example.net'
    return value === name ? 'Someone Else' : value
  })
  const renamed = await readPerson(provider, { ...person, ...JSON.parse(text) })
  strictEqual(renamed.subject, subject)
}

/** A posted form is not signed, so people can change it. */
async function distrustsForm(provider: Provider, person: KnownPerson): Promise<void> {
  const { subject, email, emailVerified } = await readPerson(provider, person)
  const forged = { id: 'x', sub: 'x', email: 'x@example.net', email_verified: true }
  const fields = provider.posted.map((field) => [field, JSON.stringify(forged)])
  const read = await readPerson(provider, { ...person, posted: Object.fromEntries(fields) })
  deepStrictEqual([read.subject, read.email, read.emailVerified], [subject, email, emailVerified])
}

function stepTests(
  provider: Provider,
  person: KnownPerson,
  name: string,
  step: Step,
): ContractTest[] {
  const failing = (response: KnownResponse): KnownPerson => ({
    ...person,
    responses: { ...person.responses, [name]: response },
  })
  if (step.optional !== undefined) {
    return [401, 403, 404, 503].map((status) => ({
      title: `signs in although ${name} returns ${status}`,
      run: async () => {
        const profile = await readPerson(provider, failing({ status, body: {} }))
        ok(profile.warnings.length > 0, 'no warning')
        for (const field of ['name', 'email', 'avatarUrl'] as const)
          ok(profile[field] !== null, field)
      },
    }))
  }
  return ([401, 403, 503, 200] as const).map((status) => ({
    title: `refuses if ${name} returns ${status === 200 ? 'no JSON' : status}`,
    run: () => rejects(readPerson(provider, failing({ status, body: '<html>' })), FlowError),
  }))
}

/** Checks that a list is not taken for a whole one if its last page is missing. */
function laterPageTest(
  provider: Provider,
  person: KnownPerson,
  name: string,
  { optional }: Step,
): ContractTest {
  const pages = [...pagesOf(person.responses?.[name]).slice(0, -1), { status: 503 }]
  const failing = { ...person, responses: { ...person.responses, [name]: pages } }
  if (optional === undefined) {
    return {
      title: `refuses if a later page of ${name} returns 503`,
      run: () => rejects(readPerson(provider, failing), FlowError),
    }
  }
  return {
    title: `erases nothing if a later page of ${name} returns 503`,
    run: async () => {
      const profile = await readPerson(provider, failing)
      ok(profile.warnings.length > 0, 'no warning')
      for (const field of ['name', 'email', 'avatarUrl'] as const) {
        ok(profile[field] !== null, `${field} is null although the list is not \`complete\``)
      }
    },
  }
}

/** Runs a sheet on known answers. */
async function readPerson(
  provider: Provider,
  { responses, claims = {}, posted = {} }: KnownPerson,
  ask: Ask = answering(provider, responses).ask,
): Promise<Profile> {
  const deadline = startDeadline(10_000)
  try {
    const known = { claims, posted, warnings: [] }
    return await readProfile(provider, known, ask, deadline)
  } finally {
    deadline.done()
  }
}

interface Change {
  readonly path: Path
  readonly field: string
  readonly person: KnownPerson
}

/** Yields the person with each value in each field, one field at a time. */
function* changes(person: KnownPerson, values: readonly unknown[]): Generator<Change> {
  const { title, source, profile, refused, ...answers } = person
  for (const path of pathsOf(answers)) {
    for (const value of values) {
      const changed = structuredClone(answers)
      put(changed, path, value)
      yield { path, field: path.join('.'), person: { title, source, ...changed } }
    }
  }
}

type Path = readonly string[]

/** Returns the paths of all fields below the bodies, the claims and the form. */
function pathsOf(answers: Omit<KnownPerson, 'title' | 'source'>): Path[] {
  const bodies = Object.entries(answers.responses ?? {}).flatMap(([name, response]) =>
    pagesOf(response).map(({ body }, page) => {
      const place = Array.isArray(response) ? [String(page)] : []
      return [['responses', name, ...place, 'body'], body] as const
    }),
  )
  const roots = [
    ...bodies,
    [['claims'], answers.claims] as const,
    [['posted'], answers.posted] as const,
  ]
  return roots.flatMap(([path, value]) => fieldsBelow(path, value))
}

function fieldsBelow(path: Path, value: unknown): Path[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, field]) => {
    const here = [...path, name]
    // A row is no field: without it, a list says that there is none.
    return [...(Array.isArray(value) ? [] : [here]), ...fieldsBelow(here, field)]
  })
}

function put(target: unknown, path: Path, value: unknown): void {
  let parent = target as Record<string, unknown>
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>
  const last = path.at(-1) as string
  if (value === undefined) delete parent[last]
  else parent[last] = value
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const field of Object.values(value)) deepFreeze(field)
    Object.freeze(value)
  }
  return value
}
