// The emulated people, workspaces and clients. This room promises: a seed that was read is complete and consistent;
// the error for an invalid seed names the field and says how to fix it; and generated values are the same after a
// restart.

import { type Behaviour, profiles } from '../rules/profiles.ts'
import { scopes } from '../rules/scopes.ts'
import { isCallbackUrl } from './callback-url.ts'
import { readFlag, readList, readObject, readText, refuseTwins } from './fields.ts'
import { digestOf, uuidFrom } from './ids.ts'
import { defaultConsumer, defaultPeople } from './people.ts'
import type { Consumer, Email, Person, SeedWorkspace, Workspace } from './seed-format.ts'

/**
 * Validates a seed from a program or a file and fills in the defaults.
 *
 * @throws TypeError that names the invalid field and says how to fix it
 */
export function readSeed(
  seed: unknown,
  behaviour: Behaviour = profiles['2026'],
): { people: Person[]; workspaces: Workspace[]; consumers: Consumer[] } {
  const fields = readObject(seed ?? {}, 'seed', ['people', 'workspaces', 'consumers'])
  const people = readList(fields.people ?? defaultPeople, 'people', readPerson)
  for (const key of ['nickname', 'uuid', 'accountId'] as const) {
    refuseTwins(
      people.map((person) => person[key].toLowerCase()),
      'people',
      key,
    )
  }
  const nicknames = people.map(({ nickname }) => nickname)
  const [owner = '', ...others] = nicknames
  const acme: SeedWorkspace = { slug: 'acme', owners: [owner], members: others.slice(0, 1) }
  const workspaces = readList(fields.workspaces ?? [acme], 'workspaces', (value, where) =>
    readWorkspace(value, where, nicknames),
  )
  for (const key of ['slug', 'uuid'] as const) {
    refuseTwins(
      workspaces.map((workspace) => workspace[key].toLowerCase()),
      'workspaces',
      key,
    )
  }
  const consumers = readList(fields.consumers ?? [defaultConsumer], 'consumers', (value, where) =>
    readConsumer(value, where, workspaces, behaviour),
  )
  refuseTwins(
    consumers.map((consumer) => consumer.clientId),
    'consumers',
    'clientId',
  )
  return { people, workspaces, consumers }
}

function readPerson(value: unknown, where: string): Person {
  const known = ['nickname', 'displayName', 'uuid', 'accountId', 'accountStatus', 'emails']
  const fields = readObject(value, where, known)
  const nickname = readText(fields.nickname, `${where}.nickname`, 'the name of the account')
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
    throw new TypeError(`${where}.emails has more than one primary address. Keep only one.`)
  }
  return {
    nickname,
    displayName: readText(fields.displayName ?? nickname, `${where}.displayName`, 'a name'),
    uuid: readUuid(fields.uuid, `${where}.uuid`, nickname),
    accountId: readText(
      fields.accountId ?? digestOf(nickname).slice(-24),
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

function readWorkspace(value: unknown, where: string, nicknames: readonly string[]): Workspace {
  const known = ['slug', 'name', 'uuid', 'owners', 'projectCreators', 'members']
  const fields = readObject(value, where, known)
  const slug = readText(fields.slug, `${where}.slug`, 'the name of the workspace in URLs')
  if (!/^[a-z0-9_-]+$/.test(slug)) {
    throw new TypeError(`${where}.slug must consist of lower-case letters, digits, - and _.`)
  }
  const readNickname = (nickname: unknown, at: string): string => {
    const text = readText(nickname, at, 'the nickname of one of the people')
    if (nicknames.includes(text)) return text
    throw new TypeError(`${at} must be a nickname from people: ${nicknames.join(', ')}.`)
  }
  const owners = readList(fields.owners, `${where}.owners`, readNickname)
  const readRole = (role: 'projectCreators' | 'members'): string[] =>
    readList(fields[role] ?? [], `${where}.${role}`, readNickname, 'allow empty')
  const [projectCreators, members] = [readRole('projectCreators'), readRole('members')]
  const everyone = [...owners, ...projectCreators, ...members]
  refuseTwins(everyone, `${where}.owners, projectCreators and members`, 'nickname')
  return {
    slug,
    name: readText(fields.name ?? slug, `${where}.name`, 'a name'),
    uuid: readUuid(fields.uuid, `${where}.uuid`, `workspace ${slug}`),
    owners,
    projectCreators,
    members,
  }
}

function readConsumer(
  value: unknown,
  where: string,
  workspaces: readonly Workspace[],
  { clientIdLength, clientSecretLength }: Behaviour,
): Consumer {
  const known = [
    'clientId',
    'clientSecret',
    'name',
    'callbackUrl',
    'scopes',
    'isPrivate',
    'workspace',
  ]
  const fields = readObject(value, where, known)
  if (fields.clientId === undefined && fields.name === undefined) {
    throw new TypeError(`${where}.clientId is missing. Set it, or set a name to generate it.`)
  }
  const clientId = readCredential(
    fields.clientId ?? digestOf(`id ${fields.name}`).slice(0, clientIdLength),
    `${where}.clientId`,
  )
  const consumer = {
    clientId,
    clientSecret: readCredential(
      fields.clientSecret ?? digestOf(`secret ${clientId}`).slice(0, clientSecretLength),
      `${where}.clientSecret`,
    ),
    name: readText(fields.name ?? clientId, `${where}.name`, 'a name'),
    scopes: readList(fields.scopes ?? defaultConsumer.scopes, `${where}.scopes`, readScope),
    isPrivate: readFlag(fields.isPrivate ?? false, `${where}.isPrivate`),
    workspace: readOwningWorkspace(fields.workspace, `${where}.workspace`, workspaces),
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

function readOwningWorkspace(
  value: unknown,
  where: string,
  workspaces: readonly Workspace[],
): Workspace {
  const found = workspaces.find(({ slug }, index) =>
    value === undefined ? index === 0 : slug === value,
  )
  if (found) return found
  const slugs = workspaces.map(({ slug }) => slug).join(', ')
  throw new TypeError(`${where} must be the slug of a workspace: ${slugs}.`)
}

function readUuid(value: unknown, where: string, madeFrom: string): string {
  if (value === undefined) return uuidFrom(madeFrom)
  const uuid = readText(value, where, 'a uuid in braces')
  if (/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(uuid)) return uuid
  throw new TypeError(
    `${where} must be a uuid in braces, such as {87bb15eb-47c1-49b3-9f16-ca824a2979a4}. Omit it to generate one.`,
  )
}

function readScope(value: unknown, where: string): string {
  const scope = readText(value, where, 'the name of a scope')
  if (Object.hasOwn(scopes, scope)) return scope
  throw new TypeError(`${where} must be one of Bitbucket's scopes: ${listOf(scopes)}.`)
}

// Restrict credentials to characters that do not have to be encoded in a Basic header. RFC 6749 §2.3.1 requires the
// encoding, but few clients do it. Bitbucket's own credentials consist of letters and digits.
function readCredential(value: unknown, where: string): string {
  const text = readText(value, where, 'a string of letters, digits, -, . and _')
  if (/^[A-Za-z0-9._-]+$/.test(text)) return text
  throw new TypeError(`${where} must consist of letters, digits, -, . and _.`)
}

function listOf(table: Readonly<Record<string, unknown>>): string {
  return Object.keys(table).join(', ')
}
