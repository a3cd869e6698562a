import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makePeople } from './contenders/contender.ts'
import { obey } from './processes.ts'

// The parts of Bitbucket's OAuth and user API that a sign-in needs, with responses from memory. Each
// authorization is granted immediately, to the next person in turn. Each code is the number of a person, so that the
// benchmark can check who was signed in.

const people = makePeople(1_000).map(({ id, name, email }, number) => ({
  user: JSON.stringify({
    display_name: name,
    links: { avatar: { href: `https://avatar.example.com/${number}` } },
    type: 'user',
    uuid: `{${id}}`,
    username: `person${number}`,
    nickname: `person${number}`,
    account_id: `557058:${id}`,
    account_status: 'active',
  }),
  emails: JSON.stringify({
    values: [{ is_primary: true, is_confirmed: true, type: 'email', email }],
    pagelen: 10,
    size: 1,
    page: 1,
  }),
}))
const ofPath = new Map<string, 'user' | 'emails'>([
  ['/2.0/user', 'user'],
  ['/2.0/user/emails', 'emails'],
])
let turn = 0

const server = createServer((request, response) => {
  const send = (body: string): void => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  }
  const { pathname, searchParams } = new URL(`${request.url}`, 'http://localhost')

  if (pathname === '/site/oauth2/authorize') {
    const target = new URL(`${searchParams.get('redirect_uri')}`)
    target.searchParams.set('code', `${turn++ % people.length}`)
    const state = searchParams.get('state')
    if (state !== null) target.searchParams.set('state', state)
    response.writeHead(302, { location: target.href, 'content-length': 0 }).end()
  } else if (pathname === '/site/oauth2/access_token') {
    let form = ''
    request.setEncoding('latin1')
    request.on('data', (data) => {
      form += data
    })
    request.on('end', () => {
      send(
        JSON.stringify({
          access_token: `token-${new URLSearchParams(form).get('code')}`,
          refresh_token: 'a-refresh-token',
          token_type: 'bearer',
          expires_in: 7200,
          scopes: 'account email',
          state: 'authorization_code',
        }),
      )
    })
  } else {
    const part = ofPath.get(pathname)
    const [, number] = /^Bearer token-(\d+)$/.exec(request.headers.authorization ?? '') ?? []
    const person = people[Number(number)]
    if (part === undefined || person === undefined) response.writeHead(404).end()
    else send(person[part])
  }
})

const orders = {
  async serve(): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  },
}

export type Provider = typeof orders

obey(orders)
