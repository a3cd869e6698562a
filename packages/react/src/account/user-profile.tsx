'use client'

// The user's own account. This room promises: it only shows what the server offers, and shows an action as done
// only after the server has confirmed it.

import type { AccountPart } from '@latchkey/contract'
import {
  type ForwardRefExoticComponent,
  forwardRef,
  type HTMLAttributes,
  type ReactNode,
  type RefAttributes,
  useId,
} from 'react'
import { classes } from '../looks/classes.ts'
import { StandIn, Unready } from '../looks/notices.tsx'
import { Person } from '../looks/person.tsx'
import { useAuth, useTexts } from '../session/auth-context.ts'
import { useProviders } from '../sign-in/providers.ts'
import { AccountSection, type ContentProps } from './account-section.tsx'
import { DeleteContent } from './delete-content.tsx'
import { ExportContent } from './export-content.tsx'
import { IdentitiesContent } from './identities-content.tsx'
import { ProfileContent } from './profile-content.tsx'
import { SessionsContent } from './sessions-content.tsx'

export interface UserProfileProps extends Omit<HTMLAttributes<HTMLElement>, 'title' | 'children'> {
  /** Heading. Default "Your account". */
  readonly title?: ReactNode
  /** Sections to show, in this order. Sections that the server does not offer are skipped. Default: all. */
  readonly parts?: readonly AccountPart[] | undefined
}

const contents: Readonly<Record<AccountPart, (props: ContentProps) => ReactNode>> = {
  profile: ProfileContent,
  identities: IdentitiesContent,
  sessions: SessionsContent,
  export: ExportContent,
  delete: DeleteContent,
}

const allParts = Object.keys(contents) as AccountPart[]

/**
 * Renders the user's account page, with every part that the server offers. Currently these are the name and
 * the list of devices. Connected accounts, export and deletion are not available yet. Renders nothing when
 * signed out. Other props and the ref go to the `<section>`.
 *
 * @example
 * <UserProfile title="Account" />
 */
export const UserProfile: ForwardRefExoticComponent<UserProfileProps & RefAttributes<HTMLElement>> =
  forwardRef<HTMLElement, UserProfileProps>(function UserProfile(props, ref) {
    const { title, parts = allParts, className, ...sectionProps } = props
    const auth = useAuth()
    const texts = useTexts()
    const titleId = useId()
    const signedIn = auth.status === 'signed-in'
    // Request this in parallel with the session, so that the parts do not wait for one request after the other.
    const offer = useProviders({ enabled: signedIn || auth.status === 'loading' })
    if (!signedIn) return <StandIn />

    const { user, session } = auth
    return (
      <section
        aria-labelledby={titleId}
        tabIndex={-1}
        {...sectionProps}
        ref={ref}
        className={classes('latchkey-profile', className)}
      >
        <h2 id={titleId} className="latchkey-title">
          {title ?? texts.account}
        </h2>
        <Person user={user}>
          {user.email && !user.emailVerified && (
            <span className="latchkey-tag">{texts.unconfirmed}</span>
          )}
        </Person>
        {offer.status === 'ready' ? (
          parts
            .filter((part) => offer.account.includes(part))
            .map((part) => (
              <AccountSection
                key={part + user.id}
                part={part}
                user={user}
                providers={offer.providers}
                signedInWith={session.provider}
                content={contents[part]}
              />
            ))
        ) : (
          <Unready state={offer} />
        )}
      </section>
    )
  })
