export type {
  ErrorBody,
  ListedSession,
  Mark,
  MarkPath,
  Provider,
  ProvidersBody,
  Session,
  SessionBody,
  SessionsBody,
  SignOutBody,
  SignOutScope,
  User,
} from './bodies.ts'
export { type ErrorCode, errorSentence, errorSentences } from './errors.ts'
export { bitbucketMark } from './marks.ts'
export { defaultBasePath, paths, reservedSegments, routes } from './paths.ts'
