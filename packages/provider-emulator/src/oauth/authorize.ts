// OAuth 2.0 and OpenID Connect, from the authorize request to the tokens. This room promises: errors have the codes of
// RFC 6749. The emulator does not imitate a company's own error texts.

import {
  type Answer,
  consentForm,
  isLoopback,
  redirect,
} from '@latchkey/bitbucket-emulator/building-blocks'
import type { Consents } from '../consents.ts'
import { clientId, type Double } from '../double.ts'
import { formPost, pagesOf } from '../pages.ts'
import { type EmulatedPerson, nicknameOf } from '../person.ts'

/** A valid authorize request. */
interface AuthorizationRequest {
  readonly double: Double
  readonly redirectUri: URL
  readonly scopes: readonly string[]
  readonly parameters: URLSearchParams
}

/** Shows the consent page. */
export function showConsent(double: Double, query: URLSearchParams): Answer {
  const asked = readRequest(double, query)
  if ('status' in asked) return asked
  const { sheet, endpoints, urls, people } = double
  return pagesOf(sheet.name).page(
    200,
    'Allow Development app to use your account?',
    consentForm({
      action: new URL(urls.toEmulated(endpoints.authorize)).pathname,
      application: 'Development app',
      parameters: query,
      permissions: asked.scopes,
      redirectUri: asked.redirectUri,
      replaces: `${sheet.name} (${new URL(endpoints.authorize).host})`,
      people: people.map((person) => ({
        nickname: nicknameOf(person),
        displayName: person.title,
        note: person.note ?? '',
      })),
    }),
  )
}

/** Processes the decision, posted along with the request's parameters. */
export function decide(double: Double, form: URLSearchParams, codes: Consents): Answer {
  const asked = readRequest(double, form)
  if ('status' in asked) return asked
  if (form.get('decision') === 'deny') {
    return refuse(asked, 'access_denied', 'The user denied access to the application.')
  }
  const person = double.people.find((one) => nicknameOf(one) === form.get('user'))
  if (person === undefined) {
    const nicknames = double.people.map(nicknameOf).join(', ')
    const { message } = pagesOf(double.sheet.name)
    return message(400, 'Unknown person', `The people at this provider are ${nicknames}.`)
  }
  const code = codes.issue({
    double,
    person,
    scopes: asked.scopes,
    redirectUri: String(form.get('redirect_uri')),
    codeChallenge: form.get('code_challenge'),
    nonce: form.get('nonce'),
  })
  return sendBack(asked, { code }, postedBy(person, double))
}

/** The people who have signed in at each provider. A provider posts their data only the first time. */
const known = new WeakMap<Double, Set<EmulatedPerson>>()

function postedBy(person: EmulatedPerson, double: Double): Readonly<Record<string, string>> {
  const seen = known.get(double) ?? new Set()
  known.set(double, seen)
  if (seen.has(person)) return {}
  seen.add(person)
  return person.posted ?? {}
}

function readRequest(double: Double, parameters: URLSearchParams): AuthorizationRequest | Answer {
  const { sheet } = double
  const { message } = pagesOf(sheet.name)
  if (parameters.get('client_id') !== clientId) {
    return message(400, 'Unknown client_id', `This emulator has one client, ${clientId}.`)
  }
  const redirectUri = URL.parse(parameters.get('redirect_uri') ?? '')
  if (redirectUri === null || !/^https?:$/.test(redirectUri.protocol) || !isLoopback(redirectUri)) {
    return message(
      400,
      'Invalid redirect_uri',
      'The emulator redirects only to 127.0.0.1, localhost and [::1].',
    )
  }
  const scopes = (parameters.get('scope') ?? '').split(' ').filter((name) => name !== '')
  const asked = { double, redirectUri, scopes, parameters }
  const [error, description] = findMistake(sheet, scopes, parameters) ?? []
  return error === undefined ? asked : refuse(asked, error, String(description))
}

/** Returns an error code of RFC 6749 section 4.1.2.1 and its description. */
function findMistake(
  { scope, optionalScopes, responseMode, openid, pkce }: Double['sheet'],
  scopes: readonly string[],
  parameters: URLSearchParams,
): readonly [string, string] | undefined {
  if (parameters.get('response_type') !== 'code') {
    return ['unsupported_response_type', 'The emulator only supports response_type=code.']
  }
  if ((parameters.get('response_mode') ?? 'query') !== responseMode) {
    return ['invalid_request', `response_mode must be ${responseMode}.`]
  }
  const unknown = scopes.find((name) => ![...scope, ...optionalScopes].includes(name))
  if (unknown !== undefined) return ['invalid_scope', `The provider has no scope ${unknown}.`]
  if (openid !== undefined && !scopes.includes('openid')) {
    return ['invalid_scope', 'The scope openid is missing.']
  }
  const challenge = parameters.get('code_challenge')
  if (!pkce || challenge === null) return undefined
  const isS256 = parameters.get('code_challenge_method') === 'S256'
  if (isS256 && /^[A-Za-z0-9_-]{43}$/.test(challenge)) return undefined
  return ['invalid_request', 'code_challenge must be a base64url SHA-256, with the method S256.']
}

function refuse(asked: AuthorizationRequest, error: string, description: string): Answer {
  return sendBack(asked, { error, error_description: description })
}

/** Responds to the application, as a redirect or as a posted form. */
function sendBack(
  { double, redirectUri, parameters }: AuthorizationRequest,
  result: Readonly<Record<string, string>>,
  posted: Readonly<Record<string, string>> = {},
): Answer {
  const { sheet, urls } = double
  const state = parameters.get('state')
  const fields = {
    ...result,
    ...(state !== null && { state }),
    // RFC 9207
    ...(sheet.issuer !== undefined && { iss: urls.toEmulated(sheet.issuer) }),
  }
  if (sheet.responseMode === 'form_post')
    return formPost(pagesOf(sheet.name), redirectUri.href, { ...fields, ...posted })
  const location = new URL(redirectUri)
  for (const [name, value] of Object.entries(fields)) location.searchParams.append(name, value)
  return redirect(location.href)
}
