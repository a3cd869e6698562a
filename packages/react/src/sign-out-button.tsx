'use client'

import { defaultBasePath, paths } from '@latchkey/contract'
import {
  type ButtonHTMLAttributes,
  type FormEvent,
  type ForwardRefExoticComponent,
  forwardRef,
  type ReactNode,
  type RefAttributes,
  useContext,
  useState,
} from 'react'
import { AuthError, type AuthErrorCode } from './auth-error.ts'
import { AuthContext, useOptionalAuth } from './auth-provider.tsx'
import { usePendingNavigation } from './pending-navigation.ts'
import { toAscii } from './sign-in-url.ts'
import { english } from './texts.ts'

export interface SignOutButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'type'> {
  /**
   * Where to go after signing out: a path of your application. Default: stays on the page, or goes to
   * `/` without JavaScript.
   */
  readonly returnTo?: string | undefined
  /** Where the server's routes are. Default: the `<AuthProvider>`'s, else `/auth`. */
  readonly basePath?: string | undefined
  /** Instead of "Sign out". */
  readonly children?: ReactNode
}

type Attempt =
  | { readonly status: 'idle' | 'pending' }
  | { readonly status: 'failed'; readonly code: AuthErrorCode }

/**
 * A form with one button that ends the session. Other props and the ref go to the `<button>`;
 * `data-state` is `idle`, `pending` or `failed`.
 *
 * The browser posts the form itself if there is somewhere to go to afterwards (the server decides
 * whether a browser may be sent there), or no JavaScript, or no `<AuthProvider>` above to tell.
 */
export const SignOutButton: ForwardRefExoticComponent<
  SignOutButtonProps & RefAttributes<HTMLButtonElement>
> = forwardRef<HTMLButtonElement, SignOutButtonProps>(function SignOutButton(props, ref) {
  const { returnTo, basePath, children, className = '', ...buttonProps } = props
  const context = useContext(AuthContext)
  const auth = useOptionalAuth()
  const texts = context?.texts ?? english
  const [leaving, beginLeaving] = usePendingNavigation()
  const [attempt, setAttempt] = useState<Attempt>({ status: 'idle' })
  const status = leaving ? 'pending' : attempt.status
  const pending = status === 'pending'

  async function handleSubmit(event: FormEvent): Promise<void> {
    if (pending) return event.preventDefault()
    if (returnTo !== undefined || auth?.status !== 'signed-in') return beginLeaving()
    event.preventDefault()
    setAttempt({ status: 'pending' })
    try {
      await auth.signOut()
      setAttempt({ status: 'idle' })
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      setAttempt({ status: 'failed', code: error.code })
    }
  }

  return (
    <form
      className="latchkey-sign-out"
      method="post"
      action={paths(basePath ?? context?.basePath ?? defaultBasePath).signOut}
      onSubmit={handleSubmit}
    >
      {returnTo !== undefined && <input type="hidden" name="return_to" value={toAscii(returnTo)} />}
      <button
        {...buttonProps}
        ref={ref}
        type="submit"
        className={`latchkey-button ${className}`.trim()}
        data-state={status}
        aria-busy={pending || undefined}
        aria-disabled={pending || undefined}
      >
        {children ?? (pending ? texts.signingOut : texts.signOut)}
      </button>
      {attempt.status === 'failed' && (
        <p role="alert" className="latchkey-alert" data-code={attempt.code}>
          {texts.signOutFailed}
        </p>
      )}
    </form>
  )
})
