import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { defaultConsumer } from '../seed/people.ts'

/** The callback URL of the tests' client. Nothing listens there. */
export const callback = 'http://127.0.0.1:3000/auth/callback'

export const basic: string = `Basic ${btoa(`${defaultConsumer.clientId}:${defaultConsumer.clientSecret}`)}`

/** The parameters of a valid authorize request. */
export const ordinary: Readonly<Record<string, string>> = {
  client_id: defaultConsumer.clientId,
  response_type: 'code',
  state: 'some-state',
  redirect_uri: callback,
}

/** Starts an emulator whose client has these scopes. */
export function startWithScopes(...scopes: string[]): Promise<BitbucketEmulator> {
  const consumers = [{ ...defaultConsumer, callbackUrl: callback, scopes }]
  return startBitbucketEmulator({ seed: { consumers } })
}

export function askConsent(url: string, parameters: Record<string, string>): Promise<Response> {
  return fetch(`${url}/site/oauth2/authorize?${new URLSearchParams(parameters)}`, {
    redirect: 'manual',
  })
}

export function postConsent(url: string, parameters: Record<string, string>): Promise<Response> {
  return fetch(`${url}/site/oauth2/authorize`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    redirect: 'manual',
  })
}

export function postToken(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = { authorization: basic },
): Promise<Response> {
  return fetch(`${url}/site/oauth2/access_token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
    redirect: 'manual',
  })
}

/** Grants consent as the person with the nickname `user`, and returns the code. */
export async function approve(
  url: string,
  user: string,
  parameters: Record<string, string> = ordinary,
): Promise<string> {
  const response = await postConsent(url, { ...parameters, user })
  const location = response.headers.get('location') ?? ''
  return new URL(location).searchParams.get('code') ?? ''
}

/** The tokens in a response of the token endpoint. */
export interface TokenBody {
  readonly access_token: string
  readonly refresh_token: string
}

/** Signs in the person with the nickname `user`, and returns the tokens. */
export async function getTokens(url: string, user: string): Promise<TokenBody> {
  const response = await postToken(url, {
    grant_type: 'authorization_code',
    code: await approve(url, user),
    redirect_uri: callback,
  })
  return readJson<TokenBody>(response)
}

/** Signs in the person with the nickname `user`, and returns the access token. */
export async function signIn(url: string, user: string): Promise<string> {
  return (await getTokens(url, user)).access_token
}

export function refresh(
  url: string,
  refreshToken: string,
  headers?: Record<string, string>,
): Promise<Response> {
  return postToken(url, { grant_type: 'refresh_token', refresh_token: refreshToken }, headers)
}

export function getApi(url: string, path: string, token: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
}

/** Returns the JSON body of a response, typed as the test expects. */
export async function readJson<Body>(response: Response): Promise<Body> {
  return (await response.json()) as Body
}
