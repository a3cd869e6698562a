import { createPrivateKey } from 'node:crypto'
import { appleMark } from '@latchkey/contract'
import { LatchkeyError } from '../http/errors.ts'
import { refuseUnknownOptions } from '../http/option-names.ts'
import { type CompanyOptions, common } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import { type ClientSecret, isObject, type Provider } from './provider.ts'
import { read } from './read.ts'

const ISSUER = 'https://appleid.apple.com'

/** The options of `apple()`. Apple has no client secret: it is created from a private key. */
export interface AppleOptions extends Omit<CompanyOptions, 'clientSecret'> {
  /** The identifier of the Services ID. */
  readonly clientId?: string | undefined
  /** The ID of the developer team: ten letters and digits. */
  readonly teamId?: string | undefined
  /** The ID of the private key: ten letters and digits. */
  readonly keyId?: string | undefined
  /** The contents of the private key's `.p8` file. `\n` may stand for a line break. */
  readonly privateKey?: string | undefined
}

/**
 * Returns Apple as a provider. Apple posts its answer and sends a person's name only with their
 * first sign-in. Addresses may be private relay addresses.
 * https://developer.apple.com/documentation/signinwithapple
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * apple({
 *   clientId: process.env.APPLE_CLIENT_ID,
 *   teamId: process.env.APPLE_TEAM_ID,
 *   keyId: process.env.APPLE_KEY_ID,
 *   privateKey: process.env.APPLE_PRIVATE_KEY,
 * })
 */
export function apple(options: AppleOptions = {}): Provider {
  refuseUnknownOptions(
    options,
    ['clientId', 'teamId', 'keyId', 'privateKey', 'id', 'name', 'signUp', 'authorizeParameters'],
    {
      say: (option) => `apple(): there is no option \`${option}\`.`,
      unlike: 'Apple has no fixed client secret: it is created from `privateKey`.',
    },
  )

  return defineProvider({
    ...common(options, 'apple', 'Apple'),
    mark: appleMark,
    clientSecret: renewedSecret(options),
    setup:
      'Set APPLE_CLIENT_ID, APPLE_TEAM_ID, APPLE_KEY_ID and APPLE_PRIVATE_KEY to the values at https://developer.apple.com/account/resources.',
    openid: { issuer: ISSUER },
    clientAuth: 'post',
    pkce: false,
    scope: ['openid', 'name', 'email'],
    responseMode: 'form_post',
    posted: ['user'],
    vouchesForEmail: true,
    profile: ({ claims, posted }) => ({
      subject: read.id(claims.sub),
      name: nameIn(posted.user),
      email: read.email(claims.email),
      emailVerified: read.flag(claims.email_verified) === true,
    }),
  })
}

/** Apple sends the name once. Later sign-ins keep the stored one. */
function nameIn(user: string | undefined): string | undefined {
  try {
    const parsed: unknown = JSON.parse(user ?? 'null')
    const name = isObject(parsed) && isObject(parsed.name) ? parsed.name : {}
    const parts = [read.text(name.firstName), read.text(name.lastName)]
    return parts.filter((part) => typeof part === 'string').join(' ') || undefined
  } catch {
    return undefined
  }
}

/**
 * Returns a function that signs a client secret for one token request. Apple accepts them for up to
 * six months; these are valid for five minutes.
 * https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
function renewedSecret({
  clientId,
  teamId,
  keyId,
  privateKey,
}: AppleOptions): ClientSecret | undefined {
  if (!clientId || !teamId || !keyId || !privateKey) return undefined
  const key = keyFrom(privateKey)
  return async () => {
    const { SignJWT } = await import('jose')
    return new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience(ISSUER)
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(key)
  }
}

function keyFrom(privateKey: string): ReturnType<typeof createPrivateKey> {
  try {
    const key = createPrivateKey(privateKey.replaceAll('\\n', '\n'))
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // The error quotes the key.
  }
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    'apple(): `privateKey` must be the contents of the .p8 file that Apple offered for download, beginning with -----BEGIN PRIVATE KEY-----.',
  )
}
