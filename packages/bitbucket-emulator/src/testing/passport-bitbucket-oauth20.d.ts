// The package has no types. These cover only what the tests use.
declare module 'passport-bitbucket-oauth20' {
  import type { Strategy as PassportStrategy } from 'passport'

  export interface BitbucketProfile {
    id: string
    username: string
    displayName: string
    emails: { value: string; primary: boolean; verified: boolean }[]
  }

  export const Strategy: new (
    options: Record<string, string>,
    verify: (
      accessToken: string,
      refreshToken: string,
      profile: BitbucketProfile,
      done: (error: null, user: object) => void,
    ) => void,
  ) => PassportStrategy
}
