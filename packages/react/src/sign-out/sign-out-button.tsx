'use client'

// Signing out. This room promises: it works without JavaScript, and the page only shows a sign-out that the
// server has confirmed.

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
  /** Label of the button. Default "Sign out", or a label that matches `scope`. */
  readonly children?: ReactNode
}

/**
 * Renders a form with a button that ends the session, or the sessions of `scope`. Other props and the ref go to
 * the `<button>`. `data-state` is `idle`, `pending`, `done` or `failed`.
 *
 * @example
 * <SignOutButton returnTo="/" />
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
