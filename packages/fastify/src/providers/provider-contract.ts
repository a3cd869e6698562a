// What every provider must do, for the tests of its author. Published as `@latchkey/fastify/testing`.

import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import type { ErrorCode } from '@latchkey/contract'
import { FlowError } from '../http/errors.ts'
import { checkProviders } from './check-providers.ts'
import { startDeadline } from './client/deadline.ts'
import type { ProviderAnswer } from './client/provider-http.ts'
import { readProfile } from './client/read-profile.ts'
import type { Ask } from './client/run-steps.ts'
import type { Profile, Provider, Row, Step } from './provider.ts'

/** A response of a provider's API, as its documentation shows it. */
export interface KnownResponse {
  /** Default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** JSON, or the text of a step that reads text. */
  readonly body?: unknown
}

/** The answers about one person, and the profile that they must become. */
export interface KnownPerson {
  /** Who or what it is, for the title of the test: `a person without a name`. */
  readonly title: string
  /**
   * Where the answers are from: the vendor's page, or a public file with repository, path and commit.
   * Omit fields without a source.
   */
  readonly source: string
  /** The response of each step, by the step's name. For a list with several pages: an array of responses. */
  readonly responses?:
    | Readonly<Record<string, KnownResponse | readonly KnownResponse[]>>
    | undefined
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
  const unknown = Object.keys(responses).find((name) => !Object.hasOwn(steps, name))
  if (unknown === undefined) return
  const known = Object.keys(steps).join(', ')
  throw new Error(`${title}: there is no step \`${unknown}\`. The steps are ${known || 'none'}.`)
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
  const read: Readonly<Record<string, unknown>> = { ...(await readPerson(provider, person)) }
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
  for (const { field, person: changed } of changes(person, [undefined])) {
    // Without a link to a next page, a list is complete.
    if (linkFields(provider).some((link) => field.endsWith(`.body.${link}`))) continue
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

/** Returns the names of the fields that link to a next page. */
function linkFields({ steps }: Provider): readonly string[] {
  return Object.values(steps).flatMap(({ pages }) => (typeof pages === 'object' ? pages.next : []))
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

/** Runs a sheet on known answers. */
async function readPerson(
  provider: Provider,
  { responses = {}, claims = {}, posted = {} }: KnownPerson,
): Promise<Profile> {
  const deadline = startDeadline(10_000)
  try {
    const known = { claims, posted, warnings: [] }
    return await readProfile(provider, known, answering(provider, responses), deadline)
  } finally {
    deadline.done()
  }
}

/** Answers requests by the step that they belong to: the one whose URL begins like theirs. */
function answering(provider: Provider, responses: KnownPerson['responses'] = {}): Ask {
  const unused = new Map(Object.entries(provider.steps))
  /** The pages that were not requested yet, by the URL of their list without its query. */
  const pages = new Map<string, KnownResponse[]>()
  return async ({ url }) => {
    const [list = ''] = url.split('?', 1)
    const exact = [...unused].find(([, step]) => step.url === url)
    const page = exact === undefined ? pages.get(list)?.shift() : undefined
    if (page !== undefined) return answerOf(page, { read: 'list' })
    const built = [...unused].find(([, step]) => typeof step.url === 'function')
    const [name, step] = exact ?? built ?? []
    if (name === undefined || step === undefined) throw new Error(`an unknown request: ${url}`)
    unused.delete(name)
    const [response, ...further] = [responses[name] ?? []].flat()
    if (response === undefined) throw new Error(`the response of \`${name}\` is missing`)
    pages.set(list, further)
    return answerOf(response, step)
  }
}

function answerOf(
  { status = 200, headers = {}, body }: KnownResponse,
  { read }: Pick<Step, 'read'>,
): ProviderAnswer {
  if (status >= 500) throw new FlowError('provider_unavailable', `answered ${status}`)
  const isText =
    typeof body === 'string' && (read === 'text' || status !== 200 || body.startsWith('<'))
  return { status, headers, text: isText ? body : (JSON.stringify(body) ?? '') }
}

interface Change {
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
      yield { field: path.join('.'), person: { title, source, ...changed } }
    }
  }
}

type Path = readonly string[]

/** Returns the paths of all fields below the bodies, the claims and the form. */
function pathsOf(answers: Omit<KnownPerson, 'title' | 'source'>): Path[] {
  const bodies = Object.entries(answers.responses ?? {}).flatMap(([name, response]) => {
    const bodyOf = ({ body }: KnownResponse, ...page: string[]) =>
      [['responses', name, ...page, 'body'], body] as const
    return isPages(response)
      ? response.map((page, index) => bodyOf(page, `${index}`))
      : [bodyOf(response)]
  })
  const roots = [
    ...bodies,
    [['claims'], answers.claims] as const,
    [['posted'], answers.posted] as const,
  ]
  return roots.flatMap(([path, value]) => fieldsBelow(path, value))
}

/** `Array.isArray` does not narrow a readonly array. */
function isPages(
  response: KnownResponse | readonly KnownResponse[],
): response is readonly KnownResponse[] {
  return Array.isArray(response)
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
