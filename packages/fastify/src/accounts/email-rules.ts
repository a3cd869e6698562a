import { domainToASCII } from 'node:url'
import { invalidOption } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import type { Profile } from '../providers/provider.ts'

/**
 * Rules about e-mail addresses. Every sign-in applies them to the address that the provider returns in that
 * sign-in, so a user whose address is no longer allowed can no longer sign in. If Latchkey cannot request the
 * address, the sign-in fails with `provider_unavailable`.
 *
 * Patterns are addresses such as `ada@acme.com`, `*@acme.com` for a domain, or `*@*.acme.com` for its
 * subdomains. Letter case does not matter.
 */
export interface EmailRules {
  /** The only addresses that can sign in. Default: all addresses. */
  readonly allow?: readonly string[] | undefined
  /**
   * Addresses that cannot sign in, such as those of disposable mailboxes, even if `allow` contains them. A
   * blocked address blocks its sub-addresses too.
   */
  readonly block?: readonly string[] | undefined
  /** Whether addresses such as `ada+news@acme.com` can sign in. Default `allow`. */
  readonly subaddresses?: 'allow' | 'block' | undefined
  /**
   * - `required`: only users with a verified address can sign in.
   * - `preferred`: users without one can sign in, but `allow` accepts only verified addresses.
   * - `ignored`: `allow` also accepts unverified addresses, which anyone can enter at some providers.
   *
   * An address is verified if the provider says so, and Latchkey knows that the provider verifies addresses.
   * Default `preferred`.
   */
  readonly verified?: 'required' | 'preferred' | 'ignored' | undefined
}

/** Valid rules, with patterns that are fast to look up. */
export interface EmailPolicy {
  readonly allow: AddressSet | null
  readonly block: AddressSet | null
  readonly subaddresses: 'allow' | 'block'
  readonly verified: 'required' | 'preferred' | 'ignored'
}

/** The reason why the rules reject an address. */
export type EmailRefusal =
  | 'email_missing'
  | 'email_not_allowed'
  | 'email_unverified'
  | 'provider_unavailable'

/** The addresses that match one of several patterns. */
interface AddressSet {
  readonly addresses: ReadonlySet<string>
  readonly domains: ReadonlySet<string>
  /** Domains whose subdomains match. */
  readonly parents: ReadonlySet<string>
}

/** Returns why the rules reject an address, or `null` if they accept it. */
export function judgeEmail(
  { allow, block, subaddresses, verified }: EmailPolicy,
  { email, emailVerified }: Pick<Profile, 'email' | 'emailVerified'>,
): EmailRefusal | null {
  const isRequired = allow !== null || verified === 'required'
  if (!isRequired && block === null && subaddresses === 'allow') return null
  if (email === undefined) return 'provider_unavailable'
  if (email === null) return isRequired ? 'email_missing' : null

  const address = parse(email)
  if (subaddresses === 'block' && address.local !== address.mailbox) return 'email_not_allowed'
  if (block !== null && has(block, { ...address, local: address.mailbox })) {
    return 'email_not_allowed'
  }
  if (block !== null && has(block, address)) return 'email_not_allowed'
  if (allow !== null && !has(allow, address)) return 'email_not_allowed'
  if (emailVerified || !isRequired) return null
  return verified === 'ignored' ? null : 'email_unverified'
}

interface Address {
  readonly local: string
  /** The local part without its sub-address (RFC 5233). */
  readonly mailbox: string
  readonly domain: string
}

function parse(email: string): Address {
  const at = email.lastIndexOf('@')
  const local = email.slice(0, at).toLowerCase()
  return { local, mailbox: local.replace(/(?<=.)\+.*$/s, ''), domain: asciiOf(email.slice(at + 1)) }
}

/**
 * Providers and patterns may spell an internationalized domain differently. A dot at the end means the same
 * domain (RFC 1034 section 3.1).
 */
function asciiOf(domain: string): string {
  return (domainToASCII(domain) || domain.toLowerCase()).replace(/\.$/, '')
}

function has({ addresses, domains, parents }: AddressSet, { local, domain }: Address): boolean {
  if (addresses.has(`${local}@${domain}`) || domains.has(domain)) return true
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
    if (parents.has(domain.slice(dot + 1))) return true
  }
  return false
}

/**
 * Checks the option `emails`.
 * @throws LatchkeyError that names the rule and the fix
 */
export function checkEmailRules(given: EmailRules): EmailPolicy {
  if (typeof given !== 'object' || given === null) {
    throw invalidOption('emails', "must be an object, such as { allow: ['*@acme.com'] }")
  }
  refuseUnknownOptions(given, ['allow', 'block', 'subaddresses', 'verified'], {
    say: (name) => `There is no option \`emails.${name}\`.`,
  })
  const { allow, block, subaddresses = 'allow', verified = 'preferred' } = given
  if (subaddresses !== 'allow' && subaddresses !== 'block') {
    throw invalidOption('emails.subaddresses', "must be 'allow' or 'block'")
  }
  if (verified !== 'required' && verified !== 'preferred' && verified !== 'ignored') {
    throw invalidOption('emails.verified', "must be 'required', 'preferred' or 'ignored'")
  }
  if (allow !== undefined && allow.length === 0) {
    throw invalidOption(
      'emails.allow',
      'is empty, so nobody could sign in. Add a pattern, or omit it to allow every address',
    )
  }
  return {
    allow: allow === undefined ? null : compile('allow', allow),
    block: block === undefined || block.length === 0 ? null : compile('block', block),
    subaddresses,
    verified,
  }
}

const PATTERN = /^(?<local>\*|[^\s@*]+)@(?<parents>\*\.)?(?<domain>[^\s@*.]+(\.[^\s@*.]+)*)$/

function compile(rule: 'allow' | 'block', patterns: readonly string[]): AddressSet {
  const addresses = new Set<string>()
  const domains = new Set<string>()
  const parents = new Set<string>()
  if (!Array.isArray(patterns)) {
    throw invalidOption(`emails.${rule}`, "must be an array of patterns, such as ['*@acme.com']")
  }
  for (const [index, pattern] of patterns.entries()) {
    const { local, parents: isParent, domain } = partsOf(pattern)
    const ascii = domainToASCII(domain)
    if (ascii === '' || (isParent !== '' && local !== '*')) {
      throw invalidOption(
        `emails.${rule}[${index}]`,
        'must be an address such as ada@acme.com, or a pattern such as *@acme.com or *@*.acme.com',
      )
    }
    if (local !== '*') addresses.add(`${local.toLowerCase()}@${ascii}`)
    else if (isParent === '') domains.add(ascii)
    else parents.add(ascii)
  }
  return { addresses, domains, parents }
}

function partsOf(pattern: unknown): { local: string; parents: string; domain: string } {
  const match = typeof pattern === 'string' ? PATTERN.exec(pattern) : null
  const { local = '', parents = '', domain = '' } = match?.groups ?? {}
  return { local, parents, domain }
}
