import { authJsSession, authJsToken } from './contenders/auth-js.ts'
import { bare } from './contenders/bare.ts'
import { betterAuthCached, betterAuthOnSqlite } from './contenders/better-auth.ts'
import { clerk } from './contenders/clerk.ts'
import type { Contender } from './contenders/contender.ts'
import { cookieOnly } from './contenders/cookie.ts'
import { ironSession } from './contenders/iron-session.ts'
import { fastifyJwt } from './contenders/jwt.ts'
import { latchkeyOnPostgres, latchkeyOnSqlite } from './contenders/latchkey.ts'
import { fastifySecureSession } from './contenders/secure-session.ts'
import { fastifySession } from './contenders/session.ts'
import { betterAuthSignIn } from './contenders/sign-in/better-auth.ts'
import { byHand } from './contenders/sign-in/by-hand.ts'
import {
  latchkeyMemorySignIn,
  latchkeyPostgresSignIn,
  latchkeySqliteSignIn,
} from './contenders/sign-in/latchkey.ts'
import { fastifyOAuth2 } from './contenders/sign-in/oauth2.ts'
import { passport } from './contenders/sign-in/passport.ts'
import type { SignInContender } from './contenders/sign-in/sign-in.ts'

/** The libraries that are measured on a guarded route, keyed by their name in the results. */
export const contenders: Readonly<Record<string, Contender>> = {
  bare,
  'cookie-only': cookieOnly,
  'latchkey-sqlite': latchkeyOnSqlite,
  'latchkey-postgres': latchkeyOnPostgres,
  'fastify-secure-session': fastifySecureSession,
  'fastify-jwt': fastifyJwt,
  'fastify-session': fastifySession,
  'iron-session': ironSession,
  'auth-js-token': authJsToken,
  'auth-js-session': authJsSession,
  'better-auth-cached': betterAuthCached,
  'better-auth-sqlite': betterAuthOnSqlite,
  clerk,
}

/** The libraries that are measured at sign-in. */
export const signInContenders: Readonly<Record<string, SignInContender>> = {
  'by-hand': byHand,
  'latchkey-sqlite': latchkeySqliteSignIn,
  'latchkey-postgres': latchkeyPostgresSignIn,
  'latchkey-memory': latchkeyMemorySignIn,
  passport,
  'fastify-oauth2': fastifyOAuth2,
  'better-auth-sqlite': betterAuthSignIn,
}
