import { reservedSegments } from '@latchkey/contract'
import { invalidOption, LatchkeyError } from '../http/errors.ts'
import { isLoopback } from '../http/request-origin.ts'
import { completeSheet } from './complete-sheet.ts'
import { invalidProvider } from './invalid-provider.ts'
import type { Provider } from './provider.ts'

/**
 * Checks every provider once, at boot.
 * @param secrets The application's secrets. None of them may equal a client secret, because the
 *   provider knows it.
 * @param given The providers, whose credentials may be missing in development.
 * @throws LatchkeyError
 */
export function checkProviders(
  given: unknown,
  secrets: readonly string[],
  development: boolean,
): readonly Provider[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw invalidOption(
      'providers',
      'must be an array with at least one provider, such as [bitbucket({ … })]',
    )
  }
  const providers = given.map(completeSheet)
  const ids = new Set<string>()
  for (const provider of providers) {
    checkPlace(provider.id, ids)
    ids.add(provider.id)
    if (!(development && isEmulatable(provider))) checkCredentials(provider)
    if (!development) checkUrls(provider)
    if (secrets.some((secret) => secret === provider.clientSecret)) {
      throw invalidOption(
        'secret',
        `must not be the client secret of \`${provider.id}\`. Generate a separate value for Latchkey`,
      )
    }
  }
  return providers
}

function checkPlace(id: string, others: ReadonlySet<string>): void {
  if (reservedSegments.includes(id)) {
    throw invalidProvider(
      id,
      'this id is reserved for a route of Latchkey. Choose another, as in bitbucket({ id })',
    )
  }
  if (others.has(id)) {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      `Two providers share the id \`${id}\`. Give one of them a different \`id\`.`,
    )
  }
}

/** Whether a provider can be replaced with its emulator in development, because it has no credentials. */
export function isEmulatable({ clientId, clientSecret, emulated }: Provider): boolean {
  return emulated !== undefined && isMissing(clientId) && isMissing(clientSecret)
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === ''
}

function checkCredentials(provider: Provider): void {
  const { clientAuth, id, setup } = provider
  for (const name of ['clientId', 'clientSecret'] as const) {
    const value = provider[name]
    if (name === 'clientSecret' && (clientAuth === 'none' || typeof value === 'function')) continue
    if (isMissing(value)) {
      const cure = setup ?? 'Check the environment variable that it comes from.'
      throw new LatchkeyError(
        'LATCHKEY_OPTION_MISSING',
        `Provider \`${id}\`: \`${name}\` is missing. ${cure}`,
      )
    }
    if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) continue
    throw invalidProvider(
      id,
      `\`${name}\` must be printable ASCII without spaces or line breaks. If it comes from a file, trim() it`,
    )
  }
}

/** Production requires https and does not allow emulators. */
function checkUrls(provider: Provider): void {
  const { id } = provider
  if (isEmulated(provider)) {
    throw invalidProvider(
      id,
      'a URL points to this machine, as an emulator does, and an emulator signs anyone in. Do not emulate it in production',
    )
  }
  for (const [name, url] of urlsOf(provider)) {
    if (new URL(url).protocol === 'https:') continue
    throw invalidProvider(
      id,
      `\`${name}\` must be https in production. Over http, others could read secrets`,
    )
  }
}

/** Returns the fixed URLs of a provider, with the names of their fields. */
function urlsOf({ authorize, token, openid, steps }: Provider): [string, string][] {
  const urls: Record<string, unknown> = {
    authorize,
    token,
    'openid.issuer': openid?.metadata ?? openid?.issuer,
  }
  for (const [name, { url }] of Object.entries(steps)) urls[`steps.${name}.url`] = url
  return Object.entries(urls).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
}

/** Whether a provider runs on this machine, which means that it is an emulator. */
export function isEmulated(provider: Provider): boolean {
  return urlsOf(provider).some(([, url]) => {
    const { hostname } = new URL(url)
    // Other spellings of loopback (RFC 6761 section 6.3, RFC 4291 section 2.5.5), and the
    // unspecified address.
    const isAlso = /(^|\.)localhost\.?$|^0\.0\.0\.0$|^\[::\]$|^\[::ffff:7f/.test(hostname)
    return isLoopback(hostname) || isAlso
  })
}
