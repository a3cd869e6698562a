import type { FastifyInstance, LightMyRequestResponse, RouteShorthandOptions } from 'fastify'

/** Who is signed in, and what `GET /me` answers. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly email: string
}

/** Where a contender may keep what it has to. */
export interface Place {
  /** A folder that goes with the run. */
  readonly folder: string
  /** An empty database. */
  readonly postgresUrl: string
}

/** One way of knowing who asks, set up as its own documentation shows. */
export interface Contender {
  readonly title: string
  /** The packages that it consists of, Fastify aside. */
  readonly packages: readonly string[]
  /** When somebody whose session was ended is refused. */
  readonly revocation: string
  /** Builds a server whose `GET /me` is for signed-in people, and signs these people in. */
  build(people: readonly Person[], place: Place): Promise<Built>
}

export interface Built {
  readonly app: FastifyInstance
  readonly visitors: readonly Visitor[]
}

/** A signed-in person, and the header line that their requests carry. */
export interface Visitor {
  readonly person: Person
  readonly header: string
}

/** What all have in common, so that the same is written for each. */
export const meRoute: RouteShorthandOptions = {
  schema: {
    response: {
      200: {
        type: 'object',
        properties: { id: { type: 'string' }, name: { type: 'string' }, email: { type: 'string' } },
      },
    },
  },
}

export const SECRET = 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo'

export function makePeople(count: number): Person[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(index).padStart(5, '0')
    const id = `0b7f1c52-8f5e-4c7b-9d1e-2f60000${number}`
    return { id, name: `Person ${number}`, email: `person-${number}@example.com` }
  })
}

/** Signs each in by a `POST /sign-in` of the contender's own, which answers with cookies. */
export async function signIn(app: FastifyInstance, people: readonly Person[]): Promise<Visitor[]> {
  const visitors: Visitor[] = []
  for (const person of people) {
    const answer = await app.inject({ method: 'POST', url: '/sign-in', payload: person })
    visitors.push({ person, header: cookieHeader(setCookies(answer)) })
  }
  return visitors
}

/** The `Cookie` header of a browser that was given these `Set-Cookie` headers. */
export function cookieHeader(setCookie: readonly string[]): string {
  if (setCookie.length === 0) throw new Error('No cookie was set')
  return `cookie: ${setCookie.map((header) => header.split(';', 1)[0]).join('; ')}`
}

function setCookies({ headers }: LightMyRequestResponse): string[] {
  return [headers['set-cookie'] ?? []].flat()
}
