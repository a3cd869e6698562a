'use client'

import {
  type DetailsHTMLAttributes,
  type ForwardRefExoticComponent,
  forwardRef,
  type ReactNode,
  type RefAttributes,
  useEffect,
} from 'react'
import { fill } from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { Avatar, Names } from '../looks/person.tsx'
import { useTexts, useUser } from '../session/auth-provider.tsx'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'

export interface UserButtonProps
  extends Omit<DetailsHTMLAttributes<HTMLDetailsElement>, 'children'> {
  /** Address of your page with a `<UserProfile>`. Default: no link to it. */
  readonly profileUrl?: string | undefined
  /** Shows the name beside the picture. */
  readonly showName?: boolean | undefined
  /** Where to go after signing out. Default: stays on the page. */
  readonly returnTo?: string | undefined
  /** More for the menu, such as links, above "Sign out". */
  readonly children?: ReactNode
}

/**
 * A picture of the signed-in person that opens a menu; nothing while nobody is known to be signed in.
 * It opens without JavaScript too; with it, Escape and a click elsewhere close it. Other props and the
 * ref go to the `<details>`.
 */
export const UserButton: ForwardRefExoticComponent<
  UserButtonProps & RefAttributes<HTMLDetailsElement>
> = forwardRef<HTMLDetailsElement, UserButtonProps>(function UserButton(props, ref) {
  const { profileUrl, showName, returnTo, children, className, ...detailsProps } = props
  const user = useUser()
  const texts = useTexts()
  useDismissal()
  if (user === null) return null

  const { name, email } = user
  const shown = name || email
  return (
    <details {...detailsProps} ref={ref} className={classes('latchkey-user', className)}>
      <summary
        className="latchkey-user-button"
        // What is shown as a name is the name.
        aria-label={
          showName ? undefined : shown ? fill(texts.accountOf, { name: shown }) : texts.account
        }
      >
        <Avatar user={user} />
        {showName && <bdi className="latchkey-user-name">{shown ?? texts.account}</bdi>}
      </summary>
      <div className="latchkey-menu">
        {shown !== null && <Names first={shown} second={name && email} />}
        {profileUrl !== undefined && <a href={profileUrl}>{texts.account}</a>}
        {children}
        <SignOutButton returnTo={returnTo} />
      </div>
    </details>
  )
})

/** Closes an open menu as menus close: with Escape, and as soon as something else is pressed or focused. */
function useDismissal(): void {
  useEffect(() => {
    const stop = new AbortController()
    function dismiss({ target, type, key }: Partial<KeyboardEvent>): void {
      for (const menu of document.querySelectorAll<HTMLDetailsElement>('.latchkey-user[open]')) {
        const inside = menu.contains(target as Node)
        // A link within it may be followed by a router, with the page as it is.
        const followed = type === 'click' && (target as Element).closest?.('a')
        if (key ? key !== 'Escape' : inside && !followed) continue
        if (menu.contains(document.activeElement)) menu.querySelector('summary')?.focus()
        menu.open = false
      }
    }
    for (const type of ['keydown', 'pointerdown', 'focusin', 'click']) {
      document.addEventListener(type, dismiss, stop)
    }
    return () => stop.abort()
  }, [])
}
