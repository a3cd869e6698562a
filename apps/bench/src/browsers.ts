import { setTimeout } from 'node:timers/promises'
import { type Answer, answerTo, get, openConnection } from './connection.ts'
import { makePeople } from './contenders/contender.ts'
import type { SignInContender } from './contenders/sign-in/sign-in.ts'
import { obey } from './processes.ts'
import { percentile } from './statistics.ts'

export interface SignInOrder {
  readonly server: number
  readonly provider: number
  readonly start: SignInContender['start']
  readonly browsers: number
  readonly seconds: number
}

export interface SignInResult {
  readonly signIns: number
  readonly seconds: number
  /** Milliseconds from the click to the session. */
  readonly p50: number
  readonly p99: number
  /** How much of their core the browsers used, from 0 to 1. The provider runs on the same core. */
  readonly busy: number
}

/** One in this many sign-ins is checked. */
const CHECK_EVERY = 20

const people = makePeople(1_000)

const orders = {
  async signIn({ server, provider, start, browsers, seconds }: SignInOrder): Promise<SignInResult> {
    const failure = Promise.withResolvers<never>()
    const latencies: number[] = []
    let over = false

    async function browse(): Promise<void> {
      const toServer = await openConnection(server, failure.reject)
      const toProvider = await openConnection(provider, failure.reject)
      for (let count = 0; count === 0 || !over; count++) {
        const cookies = new Map<string, string>()
        const clicked = performance.now()
        const begun = await answerTo(toServer, startRequest(start))
        take(begun, cookies)
        const consented = await answerTo(toProvider, get(pathOf(placeNamed(begun))))
        const back = new URL(placeNamed(consented))
        const ended = await answerTo(
          toServer,
          get(back.pathname + back.search, cookieLine(cookies)),
        )
        take(ended, cookies)
        placeNamed(ended)
        latencies.push(performance.now() - clicked)

        if (count % CHECK_EVERY !== 0) continue
        const { body } = await answerTo(toServer, get('/me', cookieLine(cookies)))
        const person = people[Number(back.searchParams.get('code'))]
        if (person === undefined || JSON.parse(body).email !== person.email) {
          throw new Error(`${person?.email} signed in, but /me returned: ${body}\n${ended.head}`)
        }
      }
      toServer.close()
      toProvider.close()
    }

    const cpu = process.cpuUsage()
    const started = performance.now()
    const all = Promise.all(Array.from({ length: browsers }, browse))
    await Promise.race([setTimeout(seconds * 1000), all, failure.promise])
    over = true
    await Promise.race([all, failure.promise])
    const elapsed = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)

    return {
      signIns: latencies.length,
      seconds: elapsed,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      busy: (user + system) / 1e6 / elapsed,
    }
  },
}

export type Browsers = typeof orders

function startRequest({ path, body }: SignInOrder['start']): string {
  if (body === undefined) return get(path)
  const json = JSON.stringify(body)
  const headers = [
    'host: localhost:3000',
    'origin: http://localhost:3000',
    'content-type: application/json',
    `content-length: ${json.length}`,
  ]
  return `POST ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${json}`
}

/**
 * Returns the URL that a response redirects the browser to.
 * @throws Error if it does not redirect
 */
function placeNamed({ status, head, body }: Answer): string {
  const [, location] = /\r\nlocation: ([^\r]+)/i.exec(head) ?? []
  if (location !== undefined && status >= 300) return location
  const { url } = body.startsWith('{') ? (JSON.parse(body) as { url?: string }) : {}
  if (url === undefined || status >= 400)
    throw new Error(`The response is not a redirect: ${head}\n\n${body}`)
  return url
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

function take({ head }: Answer, cookies: Map<string, string>): void {
  for (const [, name = '', value = '', rest] of head.matchAll(
    /\r\nset-cookie: ([^=]+)=([^;\r]*)([^\r]*)/gi,
  )) {
    if (value === '' || /max-age=0/i.test(`${rest}`)) cookies.delete(name)
    else cookies.set(name, value)
  }
}

function cookieLine(cookies: Map<string, string>): string {
  return `cookie: ${[...cookies].map((cookie) => cookie.join('=')).join('; ')}`
}

obey(orders)
