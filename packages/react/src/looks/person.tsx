'use client'

import type { User } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useContext } from 'react'
import { AuthContext } from '../session/auth-provider.tsx'

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
  const wanted = useContext(AuthContext)?.loadRemoteAvatars
  // A letter or a digit, so that nothing invisible stands there.
  const [initial = ''] = /[\p{L}\p{N}]/u.exec(name ?? email ?? '') ?? []
  return (
    <span className="latchkey-avatar" aria-hidden="true">
      {initial.toUpperCase()}
      {/* No other scheme than the server lets through. */}
      {wanted && avatarUrl?.startsWith('https:') && (
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

/** What somebody is called, as far as it is known; each by itself, in whatever direction it is written. */
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

/** Who is signed in; nothing for a person without a name and an address. */
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
