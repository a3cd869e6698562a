import { SignIn, SignInButton, UserButton, UserProfile } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Card(): ReactElement {
  return (
    <SignIn
      title="Welcome back"
      description="Sign in to continue to your projects."
      footer="New here? Your first sign-in creates your account."
    />
  )
}

export function Account(): ReactElement {
  return <UserProfile />
}

export function Buttons(): ReactElement {
  return (
    <>
      <SignInButton provider="bitbucket" variant="brand" />
      <SignInButton provider="bitbucket" variant="icon" />
    </>
  )
}

export function Menu(): ReactElement {
  return (
    <UserButton showName profileUrl="#account" open>
      <a href="#team">Your team</a>
    </UserButton>
  )
}
