'use client'

import type { User } from '@latchkey/contract'
import {
  type ForwardedRef,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  useContext,
  useId,
} from 'react'
import type { Texts } from '../locales/texts.ts'
import { classes } from '../looks/classes.ts'
import { AuthContext } from '../session/auth-context.ts'
import type { AuthState } from '../session/auth-state.ts'

export interface CardFrameProps extends Omit<HTMLAttributes<HTMLElement>, 'title'> {
  readonly sectionRef: ForwardedRef<HTMLElement>
  readonly title?: ReactNode
  readonly logo?: ReactNode
  readonly description?: ReactNode
  readonly footer?: ReactNode
  /** Purpose of the card, as a key of `Texts` and `Provider`. */
  readonly purpose: 'signIn' | 'signUp'
  readonly texts: Texts
  readonly basePath?: string | undefined
  /** The user, if already signed in. */
  readonly user: User | null
  readonly status: AuthState['status'] | undefined
}

/** The card's section and heading, and the context for its content. */
export function CardFrame(props: CardFrameProps): ReactElement {
  const {
    sectionRef,
    title,
    logo,
    description,
    footer,
    purpose,
    texts,
    basePath,
    user,
    status,
    className,
    children,
    ...sectionProps
  } = props
  const context = useContext(AuthContext)
  const titleId = useId()
  return (
    <AuthContext.Provider value={{ ...context, basePath: basePath ?? context?.basePath, texts }}>
      <section
        aria-labelledby={titleId}
        tabIndex={-1}
        {...sectionProps}
        ref={sectionRef}
        className={classes('latchkey-card', className)}
      >
        <header className="latchkey-header">
          {logo}
          <h2 id={titleId} className="latchkey-title" data-state={status}>
            {user ? texts.signedIn : (title ?? texts[purpose])}
          </h2>
          {description && !user && <p className="latchkey-muted">{description}</p>}
        </header>
        {children}
        {footer && !user && <footer className="latchkey-footer latchkey-muted">{footer}</footer>}
      </section>
    </AuthContext.Provider>
  )
}
