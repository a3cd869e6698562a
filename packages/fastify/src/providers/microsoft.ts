import { microsoftMark } from '@latchkey/contract'
import { LatchkeyError } from '../http/errors.ts'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider } from './provider.ts'
import { read } from './read.ts'

const SITE = 'https://login.microsoftonline.com'

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The options of `microsoft()`. */
export interface MicrosoftOptions extends CompanyOptions {
  /**
   * The IDs of the tenants whose people may sign in. The tenant of personal accounts is
   * `9188040d-6c67-4c5b-b112-36a304b66dad`. Default: every tenant and all personal accounts.
   */
  readonly tenants?: readonly string[] | undefined
}

/**
 * Returns Microsoft (Entra ID and personal accounts) as a provider. Addresses never count as
 * verified, because a tenant's administrator can enter any address.
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * microsoft({
 *   clientId: process.env.MICROSOFT_CLIENT_ID,
 *   clientSecret: process.env.MICROSOFT_CLIENT_SECRET,
 *   tenants: ['f2f8bb4c-2a3e-4f5a-9d0b-0c6f1c0e7a11'],
 * })
 */
export function microsoft(options: MicrosoftOptions = {}): Provider {
  checkOptions('microsoft', options, ['tenants'])
  const tenants = checkTenants(options.tenants)
  const place = tenants?.length === 1 ? String(tenants[0]) : 'common'

  return defineProvider({
    ...common(options, 'microsoft', 'Microsoft'),
    mark: microsoftMark,
    setup: setupOf('MICROSOFT', 'https://entra.microsoft.com under App registrations'),
    openid: {
      issuer: `${SITE}/${place === 'common' ? '{tenantid}' : place}/v2.0`,
      metadata: `${SITE}/${place}/v2.0/.well-known/openid-configuration`,
      isIssuer: (iss, { tid }) =>
        typeof tid === 'string' &&
        GUID.test(tid) &&
        iss === `${SITE}/${tid}/v2.0` &&
        (tenants === undefined || tenants.includes(tid)),
    },
    clientAuth: 'post',
    scope: ['openid', 'profile', 'email'],
    vouchesForEmail: false,
    // An `oid` is unique in its tenant, and a `sub` is another one for each application.
    isSubject: (subject) => subject.split('.').every((part) => GUID.test(part)),
    profile: ({ claims }) => ({
      subject: `${claims.tid}.${claims.oid}`,
      name: read.text(claims.name),
      email: read.email(claims.email),
      attributes: {
        tenant: read.text(claims.tid),
        username: read.text(claims.preferred_username, 255),
      },
    }),
  })
}

function checkTenants(tenants: readonly string[] | undefined): readonly string[] | undefined {
  if (tenants === undefined) return undefined
  const isList = Array.isArray(tenants) && tenants.length > 0
  if (isList && tenants.every((tenant) => GUID.test(tenant))) return tenants
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    'microsoft(): `tenants` must be an array of tenant IDs, which are GUIDs in lowercase letters. You find yours at https://entra.microsoft.com under Overview.',
  )
}
