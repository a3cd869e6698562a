import { SignInButton } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Default(): ReactElement {
  return <SignInButton provider="bitbucket" returnTo="/inbox" />
}

export function Variants(): ReactElement {
  return (
    <>
      <SignInButton provider="bitbucket" variant="neutral" />
      <SignInButton provider="bitbucket" variant="brand" />
      <SignInButton provider="bitbucket" variant="icon" />
    </>
  )
}

export function Sizes(): ReactElement {
  return (
    <>
      <SignInButton provider="bitbucket" size="small" />
      <SignInButton provider="bitbucket" size="medium" />
      <SignInButton provider="bitbucket" size="large" />
    </>
  )
}

export function OwnWords(): ReactElement {
  return (
    <>
      <SignInButton provider="bitbucket">Sign in with your work account</SignInButton>
      <SignInButton provider="bitbucket" icon={null} variant="brand">
        Start with Bitbucket
      </SignInButton>
    </>
  )
}

export function OtherProvider(): ReactElement {
  const mark = { viewBox: '0 0 24 24', paths: [{ d: 'M12 2 2 8v8l10 6 10-6V8z' }] }
  return (
    <>
      <SignInButton provider="forge" name="Example Forge" mark={mark} />
      <SignInButton provider="forge" name="Example Forge" mark={mark} variant="icon" />
    </>
  )
}

export function Popup(): ReactElement {
  return <SignInButton provider="bitbucket" mode="popup" />
}

export function OwnElement(): ReactElement {
  return (
    <SignInButton
      provider="bitbucket"
      render={(link, { pending }) => (
        <a {...link} className="own-button">
          {pending ? 'Opening Bitbucket…' : 'Let me in'}
        </a>
      )}
    />
  )
}
