'use client'

import type { SignOutScope } from '@latchkey/contract'
import {
  type ButtonHTMLAttributes,
  type FormEvent,
  type ForwardRefExoticComponent,
  forwardRef,
  type ReactNode,
  type RefAttributes,
  useEffect,
  useState,
} from 'react'
import { usePendingNavigation } from '../browser/pending-navigation.ts'
import { classes } from '../looks/classes.ts'
import { Alert } from '../looks/notices.tsx'
import { AuthError } from '../requests/auth-error.ts'
import { useOptionalAuth, usePaths, useTexts } from '../session/auth-provider.tsx'
import { toAscii } from '../sign-in/sign-in-url.ts'

export interface UseSignOutOptions {
  /** Which sessions to end: this one, all of the person's but this one, or all. Default `local`. */
  readonly scope?: SignOutScope | undefined
  /**
   * Where to go after signing out: a path of your application. Default: stays on the page, or goes to
   * `/` without JavaScript.
   */
  readonly returnTo?: string | undefined
  /**
   * Where the server's routes are, for a form that the browser posts itself. Default: the
   * `<AuthProvider>`'s, else `/auth`.
   */
  readonly basePath?: string | undefined
  /** Called when the server has ended them, if the person stays on the page. */
  readonly onSignedOut?: (() => void) | undefined
}

/** A form that signs out, for a button of your own. */
export interface SignOutForm {
  /** `done`: the server has ended them. `failed`: it has not, and the person is still signed in. */
  readonly status: 'idle' | 'pending' | 'done' | 'failed'
  /** For the `<form>`. */
  readonly form: {
    readonly method: 'post'
    readonly action: string
    readonly onSubmit: (event: FormEvent) => Promise<void>
  }
  /** Names and values, for a hidden `<input>` each. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * What `<SignOutButton>` is made of. The browser posts the form itself if there is somewhere to go to
 * afterwards (the server decides whether a browser may be sent there), or no JavaScript, or no
 * `<AuthProvider>` above to tell.
 */
export function useSignOut(options: UseSignOutOptions = {}): SignOutForm {
  const { scope = 'local', returnTo, onSignedOut } = options
  const auth = useOptionalAuth()
  const { signOut: action } = usePaths(options.basePath)
  const [leaving, setLeaving] = usePendingNavigation()
  const [attempt, setAttempt] = useState<SignOutForm['status']>('idle')
  const who = auth?.status === 'signed-in' && auth.user.id
  const status = leaving ? 'pending' : attempt

  // biome-ignore lint/correctness/useExhaustiveDependencies: what became of it is nothing to another person
  useEffect(() => setAttempt('idle'), [who])

  async function onSubmit(event: FormEvent): Promise<void> {
    const stays = returnTo === undefined && auth?.status === 'signed-in'
    if (status === 'pending' || stays) event.preventDefault()
    if (status === 'pending') return
    if (!stays) return setLeaving(true)
    setAttempt('pending')
    try {
      await auth.signOut({ scope })
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      return setAttempt(error.code === 'unauthenticated' ? 'idle' : 'failed')
    }
    setAttempt('done')
    onSignedOut?.()
  }

  return {
    status,
    form: { method: 'post', action, onSubmit },
    fields: { scope, ...(returnTo !== undefined && { return_to: toAscii(returnTo) }) },
  }
}

const WORDS = { local: 'signOut', others: 'signOutOthers', global: 'signOutGlobal' } as const

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
        {children ?? (pending ? texts.signingOut : texts[WORDS[scope]])}
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
