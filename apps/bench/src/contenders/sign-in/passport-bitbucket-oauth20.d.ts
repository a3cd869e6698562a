declare module 'passport-bitbucket-oauth20' {
  import { AnyStrategy } from '@fastify/passport/dist/strategies/index.js'

  interface Profile {
    readonly id: string
    readonly displayName: string
    readonly emails: readonly { primary: boolean; verified: boolean; value: string }[]
  }

  export const Strategy: new (
    options: Readonly<Record<string, string>>,
    verify: (
      accessToken: string,
      refreshToken: string,
      profile: Profile,
      done: (error: Error | null, user: object) => void,
    ) => void,
  ) => AnyStrategy
}
