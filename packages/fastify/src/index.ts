export type { ErrorCode, ListedSession, Mark, Session, SessionBody, User } from '@latchkey/contract'
export { GuardError, LatchkeyError, type LatchkeyErrorCode } from './errors.ts'
export type { LatchkeyEvents, Listener } from './events.ts'
export type { GuardHook, GuardOptions } from './guard.ts'
export type { Latchkey, ManagedUser, PageOptions } from './latchkey.ts'
export type { LatchkeyOptions, SessionOptions } from './options.ts'
export { default } from './plugin.ts'
export type { Profile, Provider, ProviderApi } from './provider.ts'
export { type BitbucketOptions, bitbucket } from './providers/bitbucket.ts'
export { type RequestAuth, SessionEndedError } from './request-auth.ts'
export type { Auth } from './session.ts'
export {
  type Change,
  ConflictError,
  type Durability,
  type Ending,
  type EndReason,
  type FoundSession,
  type Page,
  type Store,
  type StoredIdentity,
  type StoredSession,
  type StoredUser,
  type StoreQueries,
  type Watch,
} from './store.ts'
