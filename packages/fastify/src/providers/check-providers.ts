import { reservedSegments } from '@latchkey/contract'
import { invalidOption, LatchkeyError } from '../http/errors.ts'
import { isLoopback } from '../http/request-origin.ts'
import type { Provider } from './provider.ts'

/**
 * Checks every provider once, at boot.
 * @param secrets The application's secrets. None of them may equal a client secret, because the
 *   provider knows it.
 * @throws LatchkeyError
 */
export function checkProviders(
  providers: readonly Provider[],
  secrets: readonly string[],
  development: boolean,
): void {
  if (!Array.isArray(providers) || providers.length === 0) {
    throw invalidOption(
      'providers',
      'must be an array with at least one provider, such as [bitbucket({ … })]',
    )
  }
  const ids = new Set<string>()
  for (const provider of providers) {
    if (typeof provider?.readProfile !== 'function') {
      throw invalidOption('providers', 'must contain only providers, such as bitbucket({ … })')
    }
    checkId(provider, ids)
    ids.add(provider.id)
    checkCredentials(provider)
    checkEndpoints(provider, development)
    if (secrets.includes(provider.clientSecret)) {
      throw invalidOption(
        'secret',
        `must not be the client secret of \`${provider.id}\`. Generate a separate value for Latchkey`,
      )
    }
  }
}

function checkId({ id }: Provider, others: ReadonlySet<string>): void {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(id)) {
    throw invalidOption(
      'providers',
      'contains an invalid id. An id starts with a lowercase letter, and has at most 32 lowercase letters, digits and hyphens',
    )
  }
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

function checkCredentials(provider: Provider): void {
  for (const name of ['clientId', 'clientSecret'] as const) {
    if (typeof provider[name] === 'string' && /^[\x21-\x7e]+$/.test(provider[name])) continue
    throw invalidProvider(
      provider.id,
      `\`${name}\` must be printable ASCII without spaces or line breaks. If it comes from a file, trim() it`,
    )
  }
}

function checkEndpoints(provider: Provider, development: boolean): void {
  const { id } = provider
  for (const name of ['authorizeUrl', 'tokenUrl'] as const) {
    if (isEndpoint(provider[name])) continue
    throw invalidProvider(
      id,
      `\`${name}\` must be an http or https URL without credentials, query or fragment`,
    )
  }
  if (development) return
  if (isEmulated(provider)) {
    throw invalidProvider(
      id,
      'a URL points to this machine, as an emulator does, and an emulator signs anyone in. Remove `emulatorUrl` in production',
    )
  }
  for (const name of ['authorizeUrl', 'tokenUrl'] as const) {
    if (new URL(provider[name]).protocol === 'https:') continue
    throw invalidProvider(
      id,
      `\`${name}\` must be https in production. Over http, others could read the client secret`,
    )
  }
}

/** Returns the error for one provider. The message never contains a credential. */
function invalidProvider(id: string, fault: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_OPTION_INVALID', `Provider \`${id}\`: ${fault}.`)
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.href === url.origin + url.pathname
}

/** Whether a provider is on this machine, where only an emulator can be. */
export function isEmulated({ authorizeUrl, tokenUrl }: Provider): boolean {
  return [authorizeUrl, tokenUrl].some((url) => {
    const { hostname } = new URL(url)
    // Other spellings of loopback (RFC 6761 section 6.3, RFC 4291 section 2.5.5), and the
    // unspecified address.
    const isAlso = /(^|\.)localhost\.?$|^0\.0\.0\.0$|^\[::\]$|^\[::ffff:7f/.test(hostname)
    return isLoopback(hostname) || isAlso
  })
}
