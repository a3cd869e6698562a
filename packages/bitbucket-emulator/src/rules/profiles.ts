/**
 * A version of Bitbucket. `2026` has the changes of CHANGE-3052, which began in May 2026 and roll out one
 * client at a time. `legacy` is Bitbucket before these changes.
 */
export type Profile = '2026' | 'legacy'

/** The rules that differ between the profiles. Everything else is the same in both. */
export interface Behaviour {
  /** The name for a registered OAuth client in Bitbucket's settings. */
  readonly clientWord: 'client' | 'consumer'
  /** The lengths of generated credentials, in characters. */
  readonly clientIdLength: number
  readonly clientSecretLength: number
  /** The field of the token response that contains the scopes. */
  readonly scopeField: 'scope' | 'scopes'
  /** JWTs of about 2,000 characters (access) and more than 2,500 (refresh), or short opaque strings. */
  readonly tokens: 'long' | 'short'
  /**
   * Whether a refresh returns a new refresh token and expires the old one, or returns the same one, which never
   * expires.
   */
  readonly refreshTokens: 'rotate' | 'stay'
  /** Where the API accepts an access token. */
  readonly accessTokenIn: 'header' | 'header, query or form'
  /** The account that `client_credentials` acts as, and whether the response has a refresh token. */
  readonly clientCredentials: 'app user, no refresh token' | 'owner, with refresh token'
  /** The API's error messages for tokens that it rejects. */
  readonly expiredToken: string
  readonly unknownToken: string
}

const tokenIsInvalid = 'Token is invalid, expired, or not supported for this endpoint.'

export const profiles: Readonly<Record<Profile, Behaviour>> = {
  '2026': {
    clientWord: 'client',
    clientIdLength: 32,
    clientSecretLength: 76,
    scopeField: 'scope',
    tokens: 'long',
    refreshTokens: 'rotate',
    accessTokenIn: 'header',
    clientCredentials: 'app user, no refresh token',
    expiredToken: tokenIsInvalid,
    unknownToken: tokenIsInvalid,
  },
  legacy: {
    clientWord: 'consumer',
    clientIdLength: 18,
    clientSecretLength: 32,
    scopeField: 'scopes',
    tokens: 'short',
    refreshTokens: 'stay',
    accessTokenIn: 'header, query or form',
    clientCredentials: 'owner, with refresh token',
    expiredToken: 'Access token expired. Use your refresh token to obtain a new access token.',
    unknownToken: 'Token is invalid or not supported for this endpoint.',
  },
}
