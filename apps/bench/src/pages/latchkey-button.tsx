import { SignInButton } from '@latchkey/react'

export function Page() {
  return <SignInButton provider="bitbucket" />
}
