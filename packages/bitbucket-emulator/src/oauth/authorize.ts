// Bitbucket's OAuth 2.0, from the authorize request to the tokens. This room promises: all texts, statuses and the
// order of checks are Bitbucket's own, and [?] marks each one that is unpublished.

import { type Answer, type Received, redirect } from '../http/http.ts'
import { message } from '../pages/page.ts'
import type { Behaviour } from '../rules/profiles.ts'
import { anyLoopback } from '../seed/callback-url.ts'
import type { Consumer } from '../seed/seed-format.ts'
import type { Bitbucket } from '../state/bitbucket.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { consentPage } from './consent-page.ts'
import { allowedRedirectUri } from './redirect-uri.ts'

/** `GET /site/oauth2/authorize`: shows the consent page. */
export function showConsent({ query }: Received, bitbucket: Bitbucket): Answer {
  const asked = readRequest(query, bitbucket)
  if ('status' in asked) return asked
  return consentPage(asked, bitbucket.people)
}

/** `POST /site/oauth2/authorize`: processes the decision, posted along with the request's parameters. */
export function decide({ form }: Received, bitbucket: Bitbucket): Answer {
  if (!form)
    return message(400, 'Not a form', 'Send the decision as a form, as the consent page does.')
  const asked = readRequest(form, bitbucket)
  if ('status' in asked) return asked
  if (form.get('decision') === 'deny') {
    // [?] Bitbucket's response to a denied consent is unpublished. The code is from RFC 6749.
    return refuse(asked, 'access_denied', 'The user denied access to the application.')
  }
  const person = bitbucket.people.find(({ nickname }) => nickname === form.get('user'))
  if (!person) {
    const nicknames = bitbucket.people.map(({ nickname }) => nickname).join(', ')
    return message(400, 'Unknown person', `The people in this emulator are ${nicknames}.`)
  }
  const code = bitbucket.codes.issue({
    consumer: asked.consumer,
    person,
    scopes: asked.scopes,
    redirectUri: form.get('redirect_uri'),
    codeChallenge: form.get('code_challenge'),
  })
  return sendBack(asked, { code })
}

/**
 * Validates an authorize request. It ignores other parameters, because `login_hint`, `prompt` and the like
 * are undocumented.
 */
function readRequest(
  parameters: URLSearchParams,
  { consumers, pkce, scopeParameter, behaviour }: Bitbucket,
): AuthorizationRequest | Answer {
  const consumer = consumers.find(({ clientId }) => clientId === parameters.get('client_id'))
  if (!consumer) {
    // [?] The text and the status of this page are unknown.
    return message(
      400,
      'Invalid client_id',
      'This integration is misconfigured. Contact the vendor for assistance.',
      `This emulator has these ${behaviour.clientWord}s: ${consumers.map(({ clientId }) => clientId).join(', ')}.`,
    )
  }
  const redirectUri = readRedirectUri(parameters.get('redirect_uri'), consumer)
  if (!redirectUri) return misconfigured(consumer, behaviour)

  const requested = (parameters.get('scope') ?? '').split(' ').filter((name) => name !== '')
  const narrows = scopeParameter === 'narrow' && requested.length > 0
  const scopes = narrows ? requested : consumer.scopes
  const asked = { consumer, redirectUri, scopes, parameters }
  // [?] The texts of these redirects are undocumented. The codes are from RFC 6749 §4.1.2.1.
  const responseType = parameters.get('response_type')
  if (responseType === null) return refuse(asked, 'invalid_request', 'response_type is missing.')
  if (responseType !== 'code') {
    return refuse(
      asked,
      'unsupported_response_type',
      'The emulator only supports response_type=code.',
    )
  }
  const excess = scopes.filter((name) => !consumer.scopes.includes(name))
  if (excess.length > 0) {
    const problem = `The ${behaviour.clientWord} does not have the scope ${excess.join(', ')}.`
    return refuse(asked, 'invalid_scope', problem)
  }
  const challenge = parameters.get('code_challenge')
  if (pkce === 'enforce' && challenge !== null) {
    if (parameters.get('code_challenge_method') !== 'S256') {
      return refuse(asked, 'invalid_request', 'Transform algorithm not supported. Use S256.')
    }
    if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
      return refuse(asked, 'invalid_request', 'code_challenge is not a base64url SHA-256.')
    }
  }
  return asked
}

function readRedirectUri(requested: string | null, { callbackUrl }: Consumer): URL | null {
  if (callbackUrl === undefined) return null
  if (requested !== null) return allowedRedirectUri(requested, callbackUrl)
  return callbackUrl === anyLoopback ? null : new URL(callbackUrl)
}

// The title and the first paragraph are Bitbucket's own. [?] The status is unknown.
function misconfigured(consumer: Consumer, { clientWord }: Behaviour): Answer {
  return message(
    400,
    'Invalid redirect_uri',
    'This integration is misconfigured. Contact the vendor for assistance.',
    `In this emulator, the ${clientWord} ${consumer.clientId} ${callbackRule(consumer)}.`,
  )
}

function callbackRule({ callbackUrl }: Consumer): string {
  if (callbackUrl === undefined) return 'has no callback URL. Set its `callbackUrl` in the seed'
  if (callbackUrl !== anyLoopback) return `accepts ${callbackUrl} and the paths below it`
  return 'requires a redirect_uri on 127.0.0.1, localhost or [::1]'
}

function refuse(asked: AuthorizationRequest, error: string, description: string): Answer {
  return sendBack(asked, { error, error_description: description })
}

function sendBack(
  { redirectUri, parameters }: AuthorizationRequest,
  result: Readonly<Record<string, string>>,
): Answer {
  const state = parameters.get('state')
  const added = new URLSearchParams(state === null ? result : { ...result, state })
  const { href } = redirectUri
  const separator = href.includes('?') ? (/[?&]$/.test(href) ? '' : '&') : '?'
  return redirect(href + separator + added)
}
