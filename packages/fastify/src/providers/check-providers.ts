import { reservedSegments } from '@latchkey/contract'
import { invalidOption } from '../http/errors.ts'
import { isLoopback } from '../http/request-origin.ts'
import type { Provider } from './provider.ts'

/**
 * Checks every provider once, at boot.
 * @param secrets The application's secrets. None of them may be a client secret, which the provider knows.
 * @throws LatchkeyError
 */
export function checkProviders(
  providers: readonly Provider[],
  secrets: readonly string[],
  development: boolean,
): void {
  if (!Array.isArray(providers) || providers.length === 0) {
    throw invalidOption('providers', 'must be a list with at least one, such as [bitbucket({ … })]')
  }
  const ids = new Set<string>()
  for (const provider of providers) {
    if (typeof provider?.readProfile !== 'function') {
      throw invalidOption(
        'providers',
        'must hold providers, each made by a function such as bitbucket()',
      )
    }
    checkId(provider, ids)
    ids.add(provider.id)
    checkCredentials(provider)
    checkEndpoints(provider, development)
    if (secrets.includes(provider.clientSecret)) {
      throw invalidOption(
        'secret',
        `must not be the client secret of \`${provider.id}\`. Make one for Latchkey alone`,
      )
    }
  }
}

function checkId({ id }: Provider, others: ReadonlySet<string>): void {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(id)) {
    throw invalidOption(
      'providers',
      'must have ids of lower-case letters, digits and dashes, at most 32',
    )
  }
  if (reservedSegments.includes(id)) {
    throw invalidOption(
      'providers',
      `cannot have the id \`${id}\`, which Latchkey keeps for its own routes. Give it another: bitbucket({ id })`,
    )
  }
  if (others.has(id)) {
    throw invalidOption(
      'providers',
      `has two with the id \`${id}\`. Give one another: bitbucket({ id })`,
    )
  }
}

function checkCredentials(provider: Provider): void {
  for (const name of ['clientId', 'clientSecret'] as const) {
    if (typeof provider[name] === 'string' && /^[\x21-\x7e]+$/.test(provider[name])) continue
    throw invalidOption(
      'providers',
      `has a \`${name}\` (of \`${provider.id}\`) with a space or a line break in it, or none at all. Read from a file, it may need a trim()`,
    )
  }
}

function checkEndpoints(provider: Provider, development: boolean): void {
  const { id, authorizeUrl, tokenUrl } = provider
  const endpoints = [authorizeUrl, tokenUrl]
  if (!endpoints.every(isEndpoint)) {
    throw invalidOption(
      'providers',
      `has an address (of \`${id}\`) that is more or less than scheme, host and path of http or https`,
    )
  }
  if (isEmulated(provider) && !development) {
    throw invalidOption(
      'providers',
      `has an address (of \`${id}\`) on this machine, as an emulator has, which signs anybody in. Leave out \`emulatorUrl\` in production`,
    )
  }
  if (!development && !endpoints.every((url) => new URL(url).protocol === 'https:')) {
    throw invalidOption(
      'providers',
      `has an address (of \`${id}\`) that is not https, where others would read the client secret`,
    )
  }
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.href === url.origin + url.pathname
}

/** Whether a provider is on this machine, where no real one is. */
export function isEmulated({ authorizeUrl, tokenUrl }: Provider): boolean {
  return [authorizeUrl, tokenUrl].some((url) => {
    const { hostname } = new URL(url)
    // Other spellings of loopback: RFC 6761 section 6.3, RFC 4291 section 2.5.5, and the unspecified address.
    const isAlso = /(^|\.)localhost\.?$|^0\.0\.0\.0$|^\[::\]$|^\[::ffff:7f/.test(hostname)
    return isLoopback(hostname) || isAlso
  })
}
