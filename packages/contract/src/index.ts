export type {
  AccountPart,
  ErrorBody,
  IdentitiesBody,
  Identity,
  ListedSession,
  Mark,
  MarkPath,
  PopupMessage,
  Provider,
  ProvidersBody,
  Session,
  SessionBody,
  SessionsBody,
  SignOutBody,
  SignOutScope,
  UrlBody,
  User,
  UserPatch,
} from './bodies.ts'
export { type ErrorCode, errorSentence, errorSentences } from './errors.ts'
export { bitbucketMark } from './marks.ts'
export {
  channelName,
  defaultBasePath,
  type Paths,
  paths,
  reservedSegments,
  routes,
  startPath,
} from './paths.ts'
