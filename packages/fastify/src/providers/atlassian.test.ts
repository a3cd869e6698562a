import { expect, it } from 'vitest'
import { atlassian } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type KnownPerson, providerContract } from './provider-contract.ts'

const credentials = { clientId: 'a-client', clientSecret: 'a-client-secret' }

const source =
  'https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/#how-do-i-retrieve-the-public-profile-of-the-authenticated-user-'
const me = {
  account_type: 'atlassian',
  account_id: '112233aa-bb11-cc22-33dd-445566abcabc',
  email: 'mia@example.com',
  name: 'Mia Krystof',
  picture:
    'https://avatar-management--avatars.us-west-2.prod.public.atl-paas.net/112233aa-bb11-cc22-33dd-445566abcabc/1234abcd-9876-54aa-33aa-1234dfsade9487ds',
  account_status: 'active',
  nickname: 'mkrystof',
}
const answer = (changed: object): KnownPerson['responses'] => ({
  me: { body: { ...me, ...changed } },
})

const people: KnownPerson[] = [
  {
    title: 'the person of the documentation',
    source,
    responses: answer({}),
    profile: {
      subject: '112233aa-bb11-cc22-33dd-445566abcabc',
      name: 'Mia Krystof',
      email: 'mia@example.com',
      emailVerified: false,
      avatarUrl: me.picture,
      active: true,
      attributes: { nickname: 'mkrystof' },
    },
  },
  {
    title: 'an id with a prefix',
    source:
      'https://developer.atlassian.com/cloud/admin/user-management/rest/api-group-profile/#api-users-account-id-manage-profile-get',
    responses: answer({ account_id: '557057:4f9acfd2-6155-419b-8de5-5b5cf27a59a0' }),
    profile: { subject: '557057:4f9acfd2-6155-419b-8de5-5b5cf27a59a0' },
  },
  {
    title: 'an address that an undocumented field calls verified',
    source:
      'pennersr/django-allauth, allauth/socialaccount/providers/atlassian/tests.py, which has `email_verified`',
    responses: answer({ email_verified: true }),
    profile: { email: 'mia@example.com', emailVerified: false },
  },
  {
    title: 'a person without a name by their nickname',
    source,
    responses: answer({ name: null }),
    profile: { name: 'mkrystof' },
  },
  {
    title: 'a person without an address',
    source,
    responses: answer({ email: null }),
    profile: { email: null, emailVerified: false },
  },
  {
    title: 'a closed account',
    source:
      'https://developer.atlassian.com/cloud/admin/user-management/rest/api-group-profile/, field `account_status`',
    responses: answer({ account_status: 'closed' }),
    profile: { active: false },
  },
]

for (const { title, run } of providerContract(atlassian(credentials), people)) it(title, run)

it('explains how to fix an app without the User identity API', () => {
  expect(atlassian(credentials).steps.me?.fix?.[403]).toBe(
    'Add the User identity API with the scope read:me to the app.',
  )
})

it('redirects to Atlassian with the audience of its API', async () => {
  const app = await buildApp({ url: '' }, { providers: [atlassian(credentials)] })
  const { headers } = await createBrowser(app).get('/auth/atlassian/start')
  const url = new URL(String(headers.location))
  expect(url.origin + url.pathname).toBe('https://auth.atlassian.com/authorize')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    audience: 'api.atlassian.com',
    client_id: 'a-client',
    prompt: 'consent',
    response_type: 'code',
    scope: 'read:me',
    redirect_uri: 'http://localhost:3000/auth/atlassian/callback',
    state: expect.stringMatching(/./),
  })
})

it('suggests the option that was meant', () => {
  expect(() => atlassian({ ...credentials, clientld: 'x' } as object)).toThrow(
    'atlassian(): there is no option `clientld`. Did you mean `clientId`?',
  )
})
