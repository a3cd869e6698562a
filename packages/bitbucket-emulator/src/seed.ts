import { createHash } from 'node:crypto'
import { defaultConsumer, defaultPeople } from './people.ts'
import { isCallbackUrl } from './redirect-uri.ts'
import { scopes } from './scopes.ts'

/** Who and what exists. Each list that is given replaces the built-in one. */
export interface Seed {
  readonly people?: readonly SeedPerson[]
  readonly consumers?: readonly SeedConsumer[]
}

/** A Bitbucket account. Only `nickname` is needed. */
export interface SeedPerson {
  /** Also the `username`; unique here, as it names the person's button on the consent page. */
  readonly nickname: string
  /** Default: the nickname. */
  readonly displayName?: string
  /** In braces: `{87bb15eb-47c1-49b3-9f16-ca824a2979a4}`. Default: made from the nickname. */
  readonly uuid?: string
  /** `557058:<uuid>` or 24 hexadecimal digits. Default: made from the nickname. */
  readonly accountId?: string
  /** Default `active`. */
  readonly accountStatus?: string
  /** In the order in which the API lists them. Default: `<nickname>@example.com`, as it should be. */
  readonly emails?: readonly Email[]
}

export interface Email {
  readonly email: string
  readonly isPrimary: boolean
  readonly isConfirmed: boolean
}

/** A registered OAuth client. Bitbucket calls it an OAuth consumer, and since 2026 an OAuth client. */
export interface SeedConsumer {
  readonly clientId: string
  readonly clientSecret: string
  /** What the consent page calls it. Default: the client id. */
  readonly name?: string
  /** Where people are sent back to; `any-loopback` for any address of this machine. */
  readonly callbackUrl?: string
  /** What its tokens may do; requests cannot change it. Default `account` and `email`. */
  readonly scopes?: readonly string[]
}

export type Person = Required<SeedPerson>
export type Consumer = Required<Omit<SeedConsumer, 'callbackUrl'>> &
  Pick<SeedConsumer, 'callbackUrl'>

/**
 * Checks a seed from a program or a file and fills in what it leaves out.
 *
 * @throws TypeError naming the field and the cure
 */
export function readSeed(seed: unknown): { people: Person[]; consumers: Consumer[] } {
  const fields = readObject(seed ?? {}, 'seed', ['people', 'consumers'])
  const people = readList(fields.people ?? defaultPeople, 'people', readPerson)
  const consumers = readList(fields.consumers ?? [defaultConsumer], 'consumers', readConsumer)
  for (const key of ['nickname', 'uuid', 'accountId'] as const) {
    refuseTwins(
      people.map((person) => person[key].toLowerCase()),
      'people',
      key,
    )
  }
  refuseTwins(
    consumers.map((consumer) => consumer.clientId),
    'consumers',
    'clientId',
  )
  return { people, consumers }
}

function readPerson(value: unknown, where: string): Person {
  const known = ['nickname', 'displayName', 'uuid', 'accountId', 'accountStatus', 'emails']
  const fields = readObject(value, where, known)
  const nickname = readText(fields.nickname, `${where}.nickname`, 'the name of the account')
  const digest = createHash('sha256').update(nickname).digest('hex')
  const uuid = readText(
    fields.uuid ?? `{${digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')}}`,
    `${where}.uuid`,
    'a uuid in braces',
  )
  if (!/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(uuid)) {
    throw new TypeError(
      `${where}.uuid must be a uuid in braces, like {87bb15eb-47c1-49b3-9f16-ca824a2979a4}. Leave it out to have one made.`,
    )
  }
  const emails = readList(
    fields.emails ?? [{ email: `${nickname}@example.com`, isPrimary: true, isConfirmed: true }],
    `${where}.emails`,
    readEmail,
    'allow empty',
  )
  refuseTwins(
    emails.map(({ email }) => email.toLowerCase()),
    `${where}.emails`,
    'email',
  )
  if (emails.filter(({ isPrimary }) => isPrimary).length > 1) {
    throw new TypeError(`${where}.emails has more than one primary address. Keep one.`)
  }
  return {
    nickname,
    displayName: readText(fields.displayName ?? nickname, `${where}.displayName`, 'a name'),
    uuid,
    accountId: readText(
      fields.accountId ?? digest.slice(-24),
      `${where}.accountId`,
      'an Atlassian account id',
    ),
    accountStatus: readText(
      fields.accountStatus ?? 'active',
      `${where}.accountStatus`,
      'a word such as active',
    ),
    emails,
  }
}

function readEmail(value: unknown, where: string): Email {
  const fields = readObject(value, where, ['email', 'isPrimary', 'isConfirmed'])
  return {
    email: readText(fields.email, `${where}.email`, 'an address such as sam@example.com'),
    isPrimary: readFlag(fields.isPrimary, `${where}.isPrimary`),
    isConfirmed: readFlag(fields.isConfirmed, `${where}.isConfirmed`),
  }
}

function readConsumer(value: unknown, where: string): Consumer {
  const known = ['clientId', 'clientSecret', 'name', 'callbackUrl', 'scopes']
  const fields = readObject(value, where, known)
  const clientId = readCredential(fields.clientId, `${where}.clientId`)
  const consumer = {
    clientId,
    clientSecret: readCredential(fields.clientSecret, `${where}.clientSecret`),
    name: readText(fields.name ?? clientId, `${where}.name`, 'a name'),
    scopes: readList(fields.scopes ?? defaultConsumer.scopes, `${where}.scopes`, readScope),
  }
  if (fields.callbackUrl === undefined) return consumer
  const callbackUrl = readText(fields.callbackUrl, `${where}.callbackUrl`, 'a URL')
  if (!isCallbackUrl(callbackUrl)) {
    throw new TypeError(
      `${where}.callbackUrl must be an absolute http or https URL without user name and fragment, or any-loopback.`,
    )
  }
  return { ...consumer, callbackUrl }
}

function readScope(value: unknown, where: string): string {
  const scope = readText(value, where, 'the name of a scope')
  if (Object.hasOwn(scopes, scope)) return scope
  throw new TypeError(`${where} is not a scope of Bitbucket. There are ${listOf(scopes)}.`)
}

// So narrow that it makes no difference whether a client encodes them in its Basic header (RFC 6749
// §2.3.1 says it must, few do). Bitbucket's own are letters and digits.
function readCredential(value: unknown, where: string): string {
  const text = readText(value, where, 'letters, digits and - . _')
  if (/^[A-Za-z0-9._-]+$/.test(text)) return text
  throw new TypeError(`${where} may only have letters, digits and - . _ in it.`)
}

function readText(value: unknown, where: string, what: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  const problem = value === undefined ? 'is missing' : 'must be a text that is not empty'
  throw new TypeError(`${where} ${problem}. Give ${what}.`)
}

function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${where} must be true or false.`)
}

function readList<Item>(
  value: unknown,
  where: string,
  readItem: (value: unknown, where: string) => Item,
  empty: 'allow empty' | 'refuse empty' = 'refuse empty',
): Item[] {
  if (!Array.isArray(value)) throw new TypeError(`${where} must be a list.`)
  if (value.length === 0 && empty === 'refuse empty') {
    throw new TypeError(`${where} is empty. Give at least one, or leave it out for the default.`)
  }
  return value.map((item, index) => readItem(item, `${where}[${index}]`))
}

function readObject(
  value: unknown,
  where: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${where} must be an object.`)
  }
  const stranger = Object.keys(value).find((key) => !known.includes(key))
  if (stranger === undefined) return { ...value }
  throw new TypeError(`${where} has an unknown field "${stranger}". Known are ${known.join(', ')}.`)
}

function refuseTwins(values: readonly string[], where: string, key: string): void {
  const twin = values.find((value, index) => values.indexOf(value) !== index)
  if (twin === undefined) return
  throw new TypeError(`${where} has "${twin}" twice as ${key}. Each must be unique.`)
}

function listOf(table: Readonly<Record<string, unknown>>): string {
  return Object.keys(table).join(', ')
}
