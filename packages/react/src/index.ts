export type {
  ListedSession,
  Session,
  SessionBody,
  SessionsBody,
  User,
} from '@latchkey/contract'
export { AuthError, type AuthErrorCode } from './auth-error.ts'
export { AuthProvider, type AuthProviderProps, useAuth, useUser } from './auth-provider.tsx'
export type { AuthState } from './session-client.ts'
export { SignIn, type SignInProps } from './sign-in.tsx'
export { SignInButton, type SignInButtonProps } from './sign-in-button.tsx'
export { type SignInUrlOptions, signInUrl } from './sign-in-url.ts'
export { SignOutButton, type SignOutButtonProps } from './sign-out-button.tsx'
export { SignedIn, type SignedInProps, SignedOut, type SignedOutProps } from './signed-in.tsx'
export type { TextOverrides, Texts } from './texts.ts'
