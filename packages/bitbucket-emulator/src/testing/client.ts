import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { defaultConsumer } from '../seed/people.ts'

/** Where the client in the tests wants people sent back to. Nothing listens there. */
export const callback = 'http://127.0.0.1:3000/auth/callback'

export const basic: string = `Basic ${btoa(`${defaultConsumer.clientId}:${defaultConsumer.clientSecret}`)}`

/** The parameters of an ordinary authorize request. */
export const ordinary: Readonly<Record<string, string>> = {
  client_id: defaultConsumer.clientId,
  response_type: 'code',
  state: 'some-state',
  redirect_uri: callback,
}

/** An emulator whose client has these scopes. */
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

/** A code, as the person called `user` would bring it back. */
export async function approve(
  url: string,
  user: string,
  parameters: Record<string, string> = ordinary,
): Promise<string> {
  const response = await postConsent(url, { ...parameters, user })
  const location = response.headers.get('location') ?? ''
  return new URL(location).searchParams.get('code') ?? ''
}

/** What the token endpoint gives out. */
export interface TokenBody {
  readonly access_token: string
  readonly refresh_token: string
}

/** The tokens of the person called `user`. */
export async function getTokens(url: string, user: string): Promise<TokenBody> {
  const response = await postToken(url, {
    grant_type: 'authorization_code',
    code: await approve(url, user),
    redirect_uri: callback,
  })
  return readJson<TokenBody>(response)
}

/** An access token of the person called `user`. */
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

/** The JSON of an answer, taken for what the test says that it is. */
export async function readJson<Body>(response: Response): Promise<Body> {
  return (await response.json()) as Body
}
