import type { Session, SessionBody, User } from '@latchkey/contract'
import {
  hasFields,
  isBoolean,
  isNumber,
  isObject,
  isString,
  isStringOrNull,
} from '../requests/answer.ts'

export function isSessionBody(body: unknown): body is SessionBody {
  if (!isObject(body)) return false
  const { user, session } = body
  return user === null ? session === null : isUser(user) && isSession(session)
}

export function isUser(value: unknown): value is User {
  return hasFields<User>(value, {
    id: isString,
    name: isStringOrNull,
    email: isStringOrNull,
    emailVerified: isBoolean,
    avatarUrl: isStringOrNull,
    createdAt: isNumber,
  })
}

function isSession(value: unknown): value is Session {
  return hasFields<Session>(value, {
    id: isString,
    provider: isStringOrNull,
    createdAt: isNumber,
    authenticatedAt: isNumber,
    expiresAt: isNumber,
  })
}
