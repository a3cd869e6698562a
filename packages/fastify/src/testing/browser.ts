import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { CookieJar } from 'tough-cookie'

/**
 * One person's browser. It handles cookies as browsers do, and sends only what the test asks for.
 */
export interface Browser {
  readonly jar: CookieJar
  /** The origin that it opens the application on. */
  readonly origin: string
  get(path: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  post(
    path: string,
    body?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>
  /** Posts a form from another site. Like a browser, it sends no cookies then (`SameSite=Lax`). */
  postForm(path: string, form: Readonly<Record<string, string>>): Promise<LightMyRequestResponse>
  delete(path: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  /** Requests the start route, and returns the consent page's URL. */
  start(query?: string, headers?: Record<string, string>): Promise<string>
  /** Chooses a person or Cancel on the consent page, and returns the callback's path and query. */
  consent(authorizeUrl: string, press: { user: string } | { decision: 'deny' }): Promise<string>
  /** Runs a whole sign-in, and returns the response to the callback. */
  signIn(user: string, query?: string): Promise<LightMyRequestResponse>
  /** Returns the cookies that the browser would send to the application. */
  cookies(): string
}

export function createBrowser(
  app: Pick<FastifyInstance, 'inject'>,
  origin = 'http://localhost:3000',
  jar: CookieJar = new CookieJar(),
): Browser {
  async function send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers: Record<string, string>,
    payload?: Record<string, unknown>,
  ): Promise<LightMyRequestResponse> {
    const url = origin + path
    const cookie = jar.getCookieStringSync(url)
    const response = await app.inject({
      method,
      url: path,
      headers: { host: new URL(origin).host, ...(cookie === '' ? {} : { cookie }), ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    for (const header of [response.headers['set-cookie'] ?? []].flat())
      jar.setCookieSync(header, url)
    return response
  }

  const browser: Browser = {
    jar,
    origin,
    get: (path, headers = {}) => send('GET', path, headers),
    post: (path, body, headers = { origin }) => send('POST', path, headers, body),
    async postForm(path, form) {
      const response = await app.inject({
        method: 'POST',
        url: path,
        headers: {
          host: new URL(origin).host,
          origin: 'https://provider.example',
          'sec-fetch-site': 'cross-site',
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: new URLSearchParams(form).toString(),
      })
      for (const header of [response.headers['set-cookie'] ?? []].flat())
        jar.setCookieSync(header, origin + path)
      return response
    },
    delete: (path, headers = { origin }) => send('DELETE', path, headers),
    cookies: () => jar.getCookieStringSync(`${origin}/`),

    async start(query = '', headers = {}) {
      const response = await browser.get(`/auth/bitbucket/start${query}`, headers)
      if (response.statusCode !== 303)
        throw new Error(`The start route responded with ${response.statusCode}`)
      return response.headers.location as string
    },

    async consent(authorizeUrl, press) {
      // The server may have closed a keep-alive connection while this process was busy with a flood.
      const headers = { connection: 'close' }
      const page = await fetch(authorizeUrl, { headers, redirect: 'manual' })
      const form = new URLSearchParams()
      for (const [, name, value] of (await page.text()).matchAll(
        /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
      )) {
        form.set(name ?? '', (value ?? '').replaceAll('&amp;', '&').replaceAll('&#39;', "'"))
      }
      for (const [name, value] of Object.entries(press)) form.set(name, value)
      const answer = await fetch(new URL('/site/oauth2/authorize', authorizeUrl), {
        method: 'POST',
        headers,
        body: form,
        redirect: 'manual',
      })
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`The consent page responded with ${answer.status}`)
      const { pathname, search } = new URL(location)
      return pathname + search
    },

    async signIn(user, query) {
      return browser.get(await browser.consent(await browser.start(query), { user }))
    },
  }
  return browser
}
