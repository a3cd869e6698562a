/**
 * Which Bitbucket: as it is since the changes announced as CHANGE-3052, which began in May 2026 and
 * reach one client after another, or as it was before.
 */
export type Profile = '2026' | 'legacy'

/** What differs between the two. Everything else is the same in both. */
export interface Behaviour {
  /** What the settings call a registered OAuth client. */
  readonly clientWord: 'client' | 'consumer'
  /** How long credentials are, in characters, where the emulator has to make them. */
  readonly clientIdLength: number
  readonly clientSecretLength: number
  /** What the token answer calls the scopes. */
  readonly scopeField: 'scope' | 'scopes'
  /** A JWT of about 2,000 characters and a refresh token of more than 2,500, or short opaque texts. */
  readonly tokens: 'long' | 'short'
  /** Whether each use of a refresh token gives a new one and ends the old one, or nothing ends it. */
  readonly refreshTokens: 'rotate' | 'stay'
  /** Where an access token counts. The query and a form stand in logs and histories. */
  readonly accessTokenIn: 'header' | 'header, query or form'
  /** Whom `client_credentials` acts as, and that it comes with a refresh token or does not. */
  readonly clientCredentials: 'app user, no refresh token' | 'owner, with refresh token'
  /** What the API says to a token that is not good. */
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
