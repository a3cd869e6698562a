import type { Admission } from './admission.ts'
import type { EmailRules } from './email-rules.ts'

/** One decision about a sign-in. `admission.test.ts` checks all of them, and `docs/reference/admission.md` lists them. */
export interface AdmissionCase {
  /** The plugin's options. */
  readonly options: { readonly signUp?: 'open' | 'closed'; readonly emails?: EmailRules }
  /** What the provider returned. `email` is `null` if the account has none, and omitted if the provider could not be asked. */
  readonly profile: {
    readonly email?: string | null
    readonly emailVerified?: boolean
    readonly active?: boolean
  }
  /** Whether the account has signed in before. Default `new`. */
  readonly user?: 'new' | 'known' | 'banned'
  readonly result: Admission['as'] | Extract<Admission, { as: 'rejected' }>['code']
}

const ada = { email: 'ada@acme.com', emailVerified: true }
const unverified = { email: 'ada@acme.com', emailVerified: false }
const acme = { allow: ['*@acme.com'] }

/** The decisions, grouped by the rule that makes them. */
export const admissionCases: Readonly<Record<string, readonly AdmissionCase[]>> = {
  'Without rules': [
    { options: {}, profile: ada, result: 'new-user' },
    { options: {}, profile: ada, user: 'known', result: 'known-user' },
    { options: {}, profile: unverified, result: 'new-user' },
    { options: {}, profile: { email: null }, result: 'new-user' },
    { options: {}, profile: {}, result: 'new-user' },
    { options: {}, profile: ada, user: 'banned', result: 'user_banned' },
    { options: {}, profile: { ...ada, active: false }, result: 'account_inactive' },
    { options: {}, profile: { ...ada, active: false }, user: 'known', result: 'account_inactive' },
  ],
  'New users': [
    { options: { signUp: 'closed' }, profile: ada, result: 'sign_up_closed' },
    { options: { signUp: 'closed' }, profile: ada, user: 'known', result: 'known-user' },
    { options: { signUp: 'closed' }, profile: ada, user: 'banned', result: 'user_banned' },
    {
      options: { signUp: 'closed', emails: acme },
      profile: { email: 'ada@other.com', emailVerified: true },
      result: 'email_not_allowed',
    },
  ],
  'Allowed addresses': [
    { options: { emails: acme }, profile: ada, result: 'new-user' },
    {
      options: { emails: acme },
      profile: { email: 'ADA@Acme.com', emailVerified: true },
      result: 'new-user',
    },
    {
      options: { emails: acme },
      profile: { email: 'ada@acme.com.evil.example', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: acme },
      profile: { email: 'ada@sub.acme.com', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: acme },
      profile: { email: '"@acme.com"@evil.example', emailVerified: true },
      result: 'email_not_allowed',
    },
    { options: { emails: acme }, profile: unverified, result: 'email_unverified' },
    { options: { emails: acme }, profile: unverified, user: 'known', result: 'email_unverified' },
    { options: { emails: acme }, profile: { email: null }, result: 'email_missing' },
    { options: { emails: acme }, profile: {}, result: 'provider_unavailable' },
    { options: { emails: acme }, profile: {}, user: 'known', result: 'provider_unavailable' },
    {
      options: { emails: acme },
      profile: { email: 'ada@other.com', emailVerified: true },
      user: 'known',
      result: 'email_not_allowed',
    },
    {
      options: { emails: { ...acme, verified: 'ignored' } },
      profile: unverified,
      result: 'new-user',
    },
    {
      options: { emails: { allow: ['*@*.acme.com'] } },
      profile: { email: 'ada@eu.sales.acme.com', emailVerified: true },
      result: 'new-user',
    },
    {
      options: { emails: { allow: ['*@*.acme.com'] } },
      profile: ada,
      result: 'email_not_allowed',
    },
    { options: { emails: { allow: ['ada@acme.com'] } }, profile: ada, result: 'new-user' },
    {
      options: { emails: { allow: ['ada@acme.com'] } },
      profile: { email: 'ada+news@acme.com', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: { allow: ['*@bücher.example'] } },
      profile: { email: 'ada@xn--bcher-kva.example', emailVerified: true },
      result: 'new-user',
    },
  ],
  'Blocked addresses': [
    {
      options: { emails: { block: ['*@mail.example'] } },
      profile: { email: 'ada@mail.example', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: { block: ['*@mail.example'] } },
      profile: { email: 'ada@mail.example', emailVerified: false },
      user: 'known',
      result: 'email_not_allowed',
    },
    {
      options: { emails: { block: ['*@mail.example'] } },
      profile: { email: 'ada@MAIL.example.', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: { block: ['ada@acme.com'] } },
      profile: { email: 'ada+news@acme.com', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: { ...acme, block: ['ada@acme.com'] } },
      profile: ada,
      result: 'email_not_allowed',
    },
    { options: { emails: { block: ['*@mail.example'] } }, profile: unverified, result: 'new-user' },
    {
      options: { emails: { block: ['*@mail.example'] } },
      profile: { email: null },
      result: 'new-user',
    },
    {
      options: { emails: { block: ['*@mail.example'] } },
      profile: {},
      result: 'provider_unavailable',
    },
  ],
  'Sub-addresses': [
    {
      options: { emails: { subaddresses: 'block' } },
      profile: { email: 'ada+news@acme.com', emailVerified: true },
      result: 'email_not_allowed',
    },
    {
      options: { emails: { subaddresses: 'block' } },
      profile: { email: '+ada@acme.com', emailVerified: true },
      result: 'new-user',
    },
    { options: { emails: { subaddresses: 'block' } }, profile: ada, result: 'new-user' },
  ],
  'Verified addresses': [
    { options: { emails: { verified: 'required' } }, profile: ada, result: 'new-user' },
    {
      options: { emails: { verified: 'required' } },
      profile: unverified,
      result: 'email_unverified',
    },
    {
      options: { emails: { verified: 'required' } },
      profile: { email: null },
      user: 'known',
      result: 'email_missing',
    },
    {
      options: { emails: { verified: 'required' } },
      profile: {},
      user: 'known',
      result: 'provider_unavailable',
    },
  ],
}
