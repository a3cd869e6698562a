import { SignIn } from '@latchkey/react'
import type { ReactElement } from 'react'

export function Default(): ReactElement {
  return <SignIn providers={['bitbucket']} />
}

export function Several(): ReactElement {
  return <SignIn />
}

export function Eight(): ReactElement {
  return <SignIn />
}

export function WithAll(): ReactElement {
  return (
    <SignIn
      logo={<img src="/quire.svg" alt="Quire" width="40" height="40" />}
      title="Welcome to Quire"
      description="Decisions you can find again."
      footer={
        <>
          By continuing, you agree to the <a href="#terms">terms</a>.
        </>
      }
    />
  )
}

export function SignUp(): ReactElement {
  return <SignIn purpose="sign-up" />
}

export function Brand(): ReactElement {
  return <SignIn providers={['bitbucket']} variant="brand" />
}

export function Cancelled(): ReactElement {
  return <SignIn providers={['bitbucket']} authError="access_denied" />
}

export function Failed(): ReactElement {
  return <SignIn providers={['bitbucket']} authError="provider_unavailable" />
}

export function Loading(): ReactElement {
  return <SignIn />
}

export function NotLoaded(): ReactElement {
  return <SignIn />
}

export function NoProviders(): ReactElement {
  return <SignIn />
}

export function SignedInAlready(): ReactElement {
  return <SignIn />
}

export function Modal(): ReactElement {
  return <SignIn display="modal" providers={['bitbucket']} />
}

export function Narrow(): ReactElement {
  return (
    <div className="narrow">
      <SignIn />
    </div>
  )
}
