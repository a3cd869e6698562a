import './http/node-version.ts'

export type { ErrorCode, ListedSession, Mark, Session, SessionBody, User } from '@latchkey/contract'
export type { EmailRules } from './accounts/email-rules.ts'
export type { AdmissionRequest, AdmissionResult, OnAdmission } from './accounts/on-admission.ts'
export type { CreatedUser, OnUserCreated } from './accounts/on-user-created.ts'
export type { PageOptions } from './administration/arguments.ts'
export type { Latchkey } from './administration/latchkey.ts'
export type { ManagedUser, NewUser, UserChanges } from './administration/user-administration.ts'

export type { RenamedDecorators, RequestDecorators } from './guard/decorators.ts'
export type { GuardHook } from './guard/guard.ts'
export type { GuardOptions } from './guard/guard-options.ts'
export { type RequestAuth, SessionEndedError } from './guard/request-auth.ts'
export { GuardError, LatchkeyError, type LatchkeyErrorCode } from './http/errors.ts'
export type { DecoratorNames, LatchkeyOptions, SessionOptions } from './options.ts'
export { default } from './plugin.ts'
export { type AppleOptions, apple } from './providers/apple.ts'
export { atlassian } from './providers/atlassian.ts'
export { type BitbucketOptions, bitbucket } from './providers/bitbucket.ts'
export {
  type BitbucketDataCenterOptions,
  bitbucketDataCenter,
} from './providers/bitbucket-data-center.ts'
export type { CompanyOptions } from './providers/company-options.ts'
export { defineProvider } from './providers/define-provider.ts'
export { discord } from './providers/discord.ts'
export { type GitHubOptions, github } from './providers/github.ts'
export { type GitLabOptions, gitlab } from './providers/gitlab.ts'
export { type GoogleOptions, google } from './providers/google.ts'
export { linkedin } from './providers/linkedin.ts'
export { type MicrosoftOptions, microsoft } from './providers/microsoft.ts'
export { type OAuth2Options, oauth2 } from './providers/oauth2.ts'
export { type OidcOptions, oidc } from './providers/oidc.ts'
export type {
  Answers,
  ClientAuth,
  ClientSecret,
  List,
  OpenId,
  Profile,
  Provider,
  ProviderSheet,
  ReadProfile,
  RefusalCode,
  Row,
  Step,
  Steps,
} from './providers/provider.ts'
export { read } from './providers/read.ts'
export { refuse } from './providers/refuse.ts'
export { slack } from './providers/slack.ts'
export type { Auth } from './sessions/auth.ts'
export type { LatchkeyEvents, Listener } from './settings.ts'
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
} from './store/store.ts'
