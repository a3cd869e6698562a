'use client'

import {
  type DetailsHTMLAttributes,
  type ForwardRefExoticComponent,
  forwardRef,
  type ReactNode,
  type RefAttributes,
} from 'react'
import { fill } from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { Avatar, Names } from '../looks/person.tsx'
import { useTexts, useUser } from '../session/auth-context.ts'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import { useMenuDismissal } from './menu-dismissal.ts'

export interface UserButtonProps
  extends Omit<DetailsHTMLAttributes<HTMLDetailsElement>, 'children'> {
  /** URL of your page that renders `<UserProfile>`. Default: no link. */
  readonly profileUrl?: string | undefined
  /** Shows the name next to the picture. */
  readonly showName?: boolean | undefined
  /** Path to navigate to after signing out. Default: stays on the page. */
  readonly returnTo?: string | undefined
  /** Additional menu content, such as links, above "Sign out". */
  readonly children?: ReactNode
}

/**
 * Renders the user's picture, which opens a menu. Renders nothing when signed out, or while the session is
 * unknown. The menu opens without JavaScript too. With JavaScript, Escape and a click elsewhere close it. Other
 * props and the ref go to the `<details>`.
 *
 * @example
 * <UserButton profileUrl="/account" />
 */
export const UserButton: ForwardRefExoticComponent<
  UserButtonProps & RefAttributes<HTMLDetailsElement>
> = forwardRef<HTMLDetailsElement, UserButtonProps>(function UserButton(props, ref) {
  const { profileUrl, showName, returnTo, children, className, ...detailsProps } = props
  const user = useUser()
  const texts = useTexts()
  useMenuDismissal()
  if (user === null) return null

  const { name, email } = user
  const shownName = name || email
  const label = shownName ? fill(texts.accountOf, { name: shownName }) : texts.account
  return (
    <details {...detailsProps} ref={ref} className={classes('latchkey-user', className)}>
      <summary
        className="latchkey-user-button"
        // A visible name is the label.
        aria-label={showName ? undefined : label}
      >
        <Avatar user={user} />
        {showName && <bdi className="latchkey-user-name">{shownName ?? texts.account}</bdi>}
      </summary>
      <div className="latchkey-menu">
        {shownName !== null && <Names first={shownName} second={name && email} />}
        {profileUrl !== undefined && <a href={profileUrl}>{texts.account}</a>}
        {children}
        <SignOutButton returnTo={returnTo} />
      </div>
    </details>
  )
})
