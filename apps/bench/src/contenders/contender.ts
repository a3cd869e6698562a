import type { FastifyInstance, LightMyRequestResponse, RouteShorthandOptions } from 'fastify'

/** A signed-in person, as `GET /me` returns them. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly email: string
}

/** Where a contender can store its data. */
export interface Place {
  /** A folder that is deleted after the run. */
  readonly folder: string
  /** The URL of an empty database. */
  readonly postgresUrl: string
}

/** A library that identifies who sent a request, set up as its own documentation shows. */
export interface Contender {
  readonly title: string
  /** The packages that it needs in addition to Fastify. */
  readonly packages: readonly string[]
  /** When a revoked session is rejected. */
  readonly revocation: string
  /** Builds a server whose `GET /me` requires a session, and signs these people in. */
  build(people: readonly Person[], place: Place): Promise<Built>
}

export interface Built {
  readonly app: FastifyInstance
  readonly visitors: readonly Visitor[]
}

/** A signed-in person, and the header line that their requests send. */
export interface Visitor {
  readonly person: Person
  readonly header: string
}

/** The response schema that all contenders share, so that they all serialize the same data. */
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

/** Signs people in with the contender's own `POST /sign-in`, which sets cookies. */
export async function signIn(app: FastifyInstance, people: readonly Person[]): Promise<Visitor[]> {
  const visitors: Visitor[] = []
  for (const person of people) {
    const response = await app.inject({ method: 'POST', url: '/sign-in', payload: person })
    visitors.push({ person, header: cookieHeader(setCookies(response)) })
  }
  return visitors
}

/** Returns the `Cookie` header of a browser that received these `Set-Cookie` headers. */
export function cookieHeader(setCookie: readonly string[]): string {
  if (setCookie.length === 0) throw new Error('The response has no Set-Cookie header.')
  return `cookie: ${setCookie.map((header) => header.split(';', 1)[0]).join('; ')}`
}

function setCookies({ headers }: LightMyRequestResponse): string[] {
  return [headers['set-cookie'] ?? []].flat()
}
