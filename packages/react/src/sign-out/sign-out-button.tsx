'use client'

// Signing out. This room promises: it works without JavaScript, and nobody is shown as signed out before the
// server has ended the session.

import {
  type ButtonHTMLAttributes,
  type ForwardRefExoticComponent,
  forwardRef,
  type ReactNode,
  type RefAttributes,
} from 'react'
import { classes } from '../looks/classes.ts'
import { Alert } from '../looks/notices.tsx'
import { useTexts } from '../session/auth-context.ts'
import { type UseSignOutOptions, useSignOut } from './use-sign-out.ts'

const LABELS = { local: 'signOut', others: 'signOutOthers', global: 'signOutGlobal' } as const

export interface SignOutButtonProps
  extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'type'>,
    UseSignOutOptions {
  /** Instead of "Sign out", or what `scope` makes of it. */
  readonly children?: ReactNode
}

/**
 * A form with one button that ends the session, or those that `scope` says. Other props and the ref go to
 * the `<button>`; `data-state` is `idle`, `pending`, `done` or `failed`.
 */
export const SignOutButton: ForwardRefExoticComponent<
  SignOutButtonProps & RefAttributes<HTMLButtonElement>
> = forwardRef<HTMLButtonElement, SignOutButtonProps>(function SignOutButton(props, ref) {
  const {
    scope = 'local',
    returnTo,
    basePath,
    onSignedOut,
    children,
    className,
    ...buttonProps
  } = props
  const texts = useTexts()
  const { status, form, fields } = useSignOut(props)
  const pending = status === 'pending'

  return (
    <form className="latchkey-sign-out" {...form}>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button
        {...buttonProps}
        ref={ref}
        type="submit"
        className={classes('latchkey-button', className)}
        data-state={status}
        aria-disabled={pending || undefined}
      >
        {children ?? (pending ? texts.signingOut : texts[LABELS[scope]])}
      </button>
      {scope === 'others' && (
        <p role="status" className="latchkey-muted">
          {status === 'done' && texts.othersSignedOut}
        </p>
      )}
      {status === 'failed' && <Alert code={status}>{texts.signOutFailed}</Alert>}
    </form>
  )
})
