'use client'

import type { User } from '@latchkey/contract'
import { type ReactElement, type ReactNode, useContext } from 'react'
import { AuthContext } from '../session/auth-context.ts'

export interface AvatarProps {
  /** The user to show: the signed-in user or any other. */
  readonly user: Pick<User, 'name' | 'email' | 'avatarUrl'>
}

/**
 * Renders a user's initial, covered by their picture if the `<AuthProvider>` has `loadRemoteAvatars`. Hidden from
 * screen readers, so render the name next to it or as a label.
 *
 * @example
 * <SignedIn>{(user) => <Avatar user={user} />}</SignedIn>
 */
export function Avatar({ user }: AvatarProps): ReactElement {
  const { name, email, avatarUrl } = user
  const loadRemoteAvatars = useContext(AuthContext)?.loadRemoteAvatars
  // The first letter or digit, because a name may begin with something invisible.
  const [initial = ''] = /[\p{L}\p{N}]/u.exec(name ?? email ?? '') ?? []
  return (
    <span className="latchkey-avatar" aria-hidden="true">
      {initial.toUpperCase()}
      {/* The server only returns `https:` URLs. Any other scheme is not from Latchkey. */}
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

/** One or two names. Each keeps its own writing direction. */
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

/** The signed-in user's picture, name and e-mail address. Renders nothing without a name and an address. */
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
