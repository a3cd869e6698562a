'use client'

import {
  type ComponentPropsWithoutRef,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
  type SyntheticEvent,
  useContext,
  useEffect,
  useRef,
  useState,
} from 'react'
import { inQuery, thisPage } from '../browser/address.ts'
import { leavesThisPage } from '../browser/navigation.ts'
import { closeDialog, openDialog } from '../browser/optional.ts'
import { withReturnTo } from '../browser/return-to.ts'
import { AuthContext } from '../session/auth-context.ts'
import { SignInCard, type SignInCardProps } from './sign-in-card.tsx'

export interface SignInDialogProps extends SignInCardProps {
  /** The content of the link that opens the dialog, or a function that renders the link. */
  readonly trigger:
    | ReactNode
    | ((props: ComponentPropsWithoutRef<'a'> & { readonly href: string }) => ReactElement)
}

/** A link that opens the card in a dialog. Without JavaScript, it leads to the server's sign-in page. */
export function SignInDialog({ trigger, ...card }: SignInDialogProps): ReactElement {
  const { texts, purpose, returnTo, signInPath } = card
  const name = texts[purpose]
  const dialog = useDialog(
    card.auth?.status === 'signed-in',
    card.query.authError ?? card.authError,
  )

  function openInstead(event: MouseEvent<HTMLAnchorElement>): void {
    if (!leavesThisPage(event)) return
    event.preventDefault()
    dialog.open()
  }

  const link = {
    className: 'latchkey-button',
    href: withReturnTo(signInPath, returnTo),
    onClick: openInstead,
    children: name,
  }
  return (
    <>
      {typeof trigger === 'function' ? trigger(link) : <a {...link}>{trigger ?? name}</a>}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: closes on a click next to the card; keys have Escape */}
      <dialog
        ref={dialog.ref}
        className="latchkey-dialog"
        aria-label={name}
        onClick={dialog.close}
        onClose={dialog.close}
      >
        {dialog.visibility !== 'unopened' && (
          <SignInCard
            {...card}
            returnTo={returnTo ?? inQuery('return_to')}
            fallbackReturnTo={thisPage()}
          />
        )}
        <button
          type="button"
          className="latchkey-close"
          aria-label={texts.close}
          onClick={dialog.close}
        >
          ×
        </button>
      </dialog>
    </>
  )
}

/** A dialog that has not been opened has no card, because a card sends a request for the providers. */
type Visibility = 'unopened' | 'open' | 'closed'

interface Dialog {
  readonly ref: RefObject<HTMLDialogElement | null>
  readonly visibility: Visibility
  readonly open: () => void
  readonly close: (event: SyntheticEvent) => void
}

/** Opens a dialog on request and to show an error, and closes it when the user is signed in. */
function useDialog(isSignedIn: boolean, authError: string | undefined): Dialog {
  const ref = useRef<HTMLDialogElement>(null)
  const [visibility, setVisibility] = useState<Visibility>('unopened')
  const notices = useContext(AuthContext)?.client?.notices
  const open = () => setVisibility('open')

  useEffect(() => {
    if (isSignedIn) setVisibility((before) => (before === 'open' ? 'closed' : before))
  }, [isSignedIn])
  // biome-ignore lint/correctness/useExhaustiveDependencies: only for a new error, not after a sign-out
  useEffect(() => {
    // A card in the page already shows the error.
    const isShown = document.querySelector('.latchkey-card') !== null
    if (authError !== undefined && !isSignedIn && !isShown) open()
  }, [authError])
  useEffect(() => {
    // A card in a closed dialog shows nothing.
    notices?.update()
    const dialog = ref.current
    if (visibility !== 'open' || !dialog) return
    openDialog(dialog)
    // In a closed menu, for example, an invisible dialog would block the page.
    if (dialog.offsetWidth === 0) setVisibility('closed')
    return () => closeDialog(dialog)
  }, [visibility, notices])

  function close(event: SyntheticEvent): void {
    // Events also bubble up from inside, for example from another dialog.
    if (event.target === event.currentTarget) setVisibility('closed')
  }

  return { ref, visibility, open, close }
}
