import type { Answer } from '../http/http.ts'
import { consentForm } from '../pages/consent-form.ts'
import { page } from '../pages/page.ts'
import { scopes as permissions } from '../rules/scopes.ts'
import { noteOn } from '../seed/people.ts'
import type { Person } from '../seed/seed-format.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

/** Returns the consent page, where the visitor chooses an account or denies access. */
export function consentPage(
  { consumer, redirectUri, scopes, parameters }: AuthorizationRequest,
  people: readonly Person[],
): Answer {
  return page(
    200,
    `Allow ${consumer.name} to use your account?`,
    consentForm({
      action: '/site/oauth2/authorize',
      application: consumer.name,
      parameters,
      permissions: scopes.map((scope) => permissions[scope] ?? scope),
      redirectUri,
      replaces: 'bitbucket.org',
      people: people.map((person) => ({ ...person, note: noteOn(person) })),
    }),
  )
}
