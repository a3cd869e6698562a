import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { clerkPlugin, getAuth } from '@clerk/fastify'
import Fastify from 'fastify'
import { type Contender, meRoute, type Person } from './contender.ts'

const HOST = 'clerk.example.com'

/**
 * Verifies tokens with `jwtKey`, without a request. Our own key pair replaces Clerk's.
 * https://clerk.com/docs/reference/fastify/clerk-plugin
 */
export const clerk: Contender = {
  title: 'Clerk, networkless',
  packages: ['@clerk/fastify', '@clerk/backend'],
  revocation: 'after up to 60 seconds',

  async build(people) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const app = Fastify()
    await app.register(clerkPlugin, {
      publishableKey: `pk_live_${Buffer.from(`${HOST}$`).toString('base64')}`,
      secretKey: 'sk_live_none',
      jwtKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      telemetry: { disabled: true },
    })
    app.get('/me', meRoute, async (request, reply) => {
      const { isAuthenticated, userId, sessionClaims } = getAuth(request)
      if (!isAuthenticated) return reply.code(401).send({ error: 'unauthenticated' })
      return { id: userId, name: sessionClaims.name, email: sessionClaims.email }
    })
    const visitors = people.map((person) => ({
      person,
      header: `authorization: Bearer ${sessionToken(person, privateKey)}`,
    }))
    return { app, visitors }
  },
}

/** Returns a token in Clerk's format, but valid for one hour. A browser gets a new one every minute. */
function sessionToken({ id, name, email }: Person, key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    azp: 'https://app.example.com',
    exp: now + 60 * 60,
    fva: [0, -1],
    iat: now,
    iss: `https://${HOST}`,
    nbf: now - 10,
    sid: `sess_${id}`,
    sts: 'active',
    sub: id,
    v: 2,
    name,
    email,
  }
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'RS256', kid: 'ins_none', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}
