import { expect, it } from 'vitest'
import { microsoft } from '../index.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const source =
  'MicrosoftDocs/entra-docs, docs/identity-platform/id-tokens.md at 2a1463c7452fafcda02fd084e208b75db1b207ce, sample of a v2.0 ID token'
const reference =
  'MicrosoftDocs/entra-docs, docs/identity-platform/id-token-claims-reference.md at 00281281df91a10426c64e11b706470e74632193'
const tid = '9122040d-6c67-4c5b-b112-36a304b66dad'
const oid = '00000000-0000-0000-66f3-3332eca7ea81'
const personal = '9188040d-6c67-4c5b-b112-36a304b66dad'
const claims = {
  ver: '2.0',
  iss: `https://login.microsoftonline.com/${tid}/v2.0`,
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  aud: '6cb04018-a3f5-46a7-b995-940c78f5aef3',
  name: 'Abe Lincoln',
  preferred_username: 'AbeLi@microsoft.com',
  oid,
  tid,
}

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    claims,
    profile: {
      subject: `${tid}.${oid}`,
      name: 'Abe Lincoln',
      email: undefined,
      emailVerified: false,
      attributes: { tenant: tid, username: 'AbeLi@microsoft.com' },
    },
  },
  {
    title: 'a person with a personal account',
    source: reference,
    claims: { ...claims, tid: personal },
    profile: {
      subject: `${personal}.${oid}`,
      attributes: { tenant: personal, username: 'AbeLi@microsoft.com' },
    },
  },
  {
    title: 'a person whose tenant entered an address, which proves nothing',
    source: reference,
    claims: { ...claims, email: 'ada@example.com', email_verified: true },
    profile: { email: 'ada@example.com', emailVerified: false },
  },
  {
    title: 'a person whose username is a telephone number, which is no address',
    source: reference,
    claims: { ...claims, preferred_username: '+15555550100' },
    profile: { email: undefined, attributes: { tenant: tid, username: '+15555550100' } },
  },
  {
    title: 'a guest, who is another person than in their own tenant',
    source: reference,
    claims: { ...claims, idp: `https://sts.windows.net/${personal}/` },
    profile: { subject: `${tid}.${oid}` },
  },
  {
    title: 'a person without an object ID, because the scope `profile` is missing',
    source: reference,
    claims: { ...claims, oid: undefined },
    refused: 'provider_bad_answer',
  },
  {
    title: 'a person without a tenant',
    source: reference,
    claims: { ...claims, tid: undefined },
    refused: 'provider_bad_answer',
  },
]

for (const { title, run } of providerContract(microsoft(credentials), people)) it(title, run)

it.each<[string, string[] | undefined, string, object, boolean]>([
  ['the issuer of its own tenant', undefined, claims.iss, { tid }, true],
  ['the issuer of another tenant', undefined, claims.iss, { tid: oid }, false],
  ['a tenant that is not a GUID', undefined, claims.iss.replace(tid, 'x'), { tid: 'x' }, false],
  ['a v1.0 issuer', undefined, `https://sts.windows.net/${tid}/`, { tid }, false],
  ['an issuer on another host', undefined, `https://evil.example/${tid}/v2.0`, { tid }, false],
  [
    'the issuer template from the discovery document',
    undefined,
    claims.iss.replace(tid, '{tenantid}'),
    {},
    false,
  ],
  ['an allowed tenant', [tid], claims.iss, { tid }, true],
  ['one of several allowed tenants', [personal, tid], claims.iss, { tid }, true],
  ['a tenant that is not allowed', [oid], claims.iss, { tid }, false],
  [
    'a personal account where only a tenant is allowed',
    [tid],
    claims.iss.replace(tid, personal),
    { tid: personal },
    false,
  ],
  ['no tenant', undefined, claims.iss, {}, false],
])('judges %s', (_what, tenants, iss, named, verdict) => {
  const { openid } = microsoft({ ...credentials, tenants })
  expect(openid?.isIssuer?.(iss, { ...named })).toBe(verdict)
})

it('discovers the endpoints of its only tenant, or the common ones', () => {
  const site = 'https://login.microsoftonline.com'
  expect(microsoft({ ...credentials, tenants: [tid] }).openid).toMatchObject({
    issuer: `${site}/${tid}/v2.0`,
    metadata: `${site}/${tid}/v2.0/.well-known/openid-configuration`,
  })
  for (const tenants of [undefined, [tid, personal]]) {
    expect(microsoft({ ...credentials, tenants }).openid).toMatchObject({
      issuer: `${site}/{tenantid}/v2.0`,
      metadata: `${site}/common/v2.0/.well-known/openid-configuration`,
    })
  }
})

it('uses PKCE, a nonce and the scopes for a profile', () => {
  expect(microsoft(credentials)).toMatchObject({
    clientAuth: 'post',
    pkce: true,
    nonce: true,
    scope: ['openid', 'profile', 'email'],
    vouchesForEmail: false,
  })
})

it.each([
  [[]],
  [['contoso.onmicrosoft.com']],
  [[tid.toUpperCase()]],
  ['common' as unknown as string[]],
])('rejects the tenants %j', (tenants) => {
  const act = (): unknown => microsoft({ tenants })
  expect(act).toThrow(/^microsoft\(\): `tenants` must be an array of tenant IDs/)
  expect(act).not.toThrow(/contoso|common/)
})

it('suggests the option that was probably meant', () => {
  expect(() => microsoft({ tenant: [tid] } as object)).toThrow(
    /^microsoft\(\): there is no option `tenant`\. Did you mean `tenants`\?/,
  )
})
