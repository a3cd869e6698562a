export type { ErrorCode, Mark, Session, SessionBody, User } from '@latchkey/contract'
export { LatchkeyError, type LatchkeyErrorCode } from './errors.ts'
export type { LatchkeyEvents, Listener } from './events.ts'
export type { Latchkey } from './latchkey.ts'
export type { LatchkeyOptions } from './options.ts'
export { default } from './plugin.ts'
export type { Profile, Provider, ProviderApi } from './provider.ts'
export { type BitbucketOptions, bitbucket } from './providers/bitbucket.ts'
export type { Auth, GuardHook } from './session.ts'
export type {
  Durability,
  Store,
  StoredIdentity,
  StoredSession,
  StoredUser,
  StoreQueries,
} from './store.ts'
