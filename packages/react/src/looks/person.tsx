'use client'

import type { User } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useContext } from 'react'
import { AuthContext } from '../session/auth-context.ts'

export interface AvatarProps {
  /** Whose picture it is: the signed-in person, or anybody else. */
  readonly user: Pick<User, 'name' | 'email' | 'avatarUrl'>
}

/**
 * A person's initial, and over it their picture if the `<AuthProvider>` has `loadRemoteAvatars`. Silent for screen
 * readers: it stands beside the name, or within something that has it.
 */
export function Avatar({ user }: AvatarProps): ReactElement {
  const { name, email, avatarUrl } = user
  const loadRemoteAvatars = useContext(AuthContext)?.loadRemoteAvatars
  // The first letter or digit, because a name may begin with something invisible.
  const [initial = ''] = /[\p{L}\p{N}]/u.exec(name ?? email ?? '') ?? []
  return (
    <span className="latchkey-avatar" aria-hidden="true">
      {initial.toUpperCase()}
      {/* The server lets no other scheme through. */}
      {loadRemoteAvatars && avatarUrl?.startsWith('https:') && (
        <img
          key={avatarUrl}
          src={avatarUrl}
          alt=""
          referrerPolicy="no-referrer"
          onError={({ currentTarget }) => {
            currentTarget.hidden = true
          }}
        />
      )}
    </span>
  )
}

interface NamesProps {
  readonly first: string | null
  readonly second?: string | null | undefined
}

/** A person's name and what comes second, each isolated so that it keeps its own writing direction. */
export function Names({ first, second }: NamesProps): ReactElement {
  return (
    <span className="latchkey-names">
      {first && <bdi className="latchkey-strong">{first}</bdi>}
      {second && <bdi className="latchkey-muted">{second}</bdi>}
    </span>
  )
}

interface PersonProps {
  readonly user: User
  readonly children?: ReactNode
}

/** The signed-in person's picture, name and address. Renders nothing if there is neither name nor address. */
export function Person({ user, children }: PersonProps): ReactElement | null {
  const { name, email } = user
  if (!name && !email) return null
  return (
    <div className="latchkey-account">
      <Avatar user={user} />
      <Names first={name} second={email} />
      {children}
    </div>
  )
}
