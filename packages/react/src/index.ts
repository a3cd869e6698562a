export type {
  AccountPart,
  Identity,
  ListedSession,
  Mark,
  Provider,
  Session,
  SessionBody,
  SessionsBody,
  SignOutScope,
  User,
  UserPatch,
} from '@latchkey/contract'
export {
  type AccountActions,
  type Device,
  type IdentitiesState,
  type SessionsState,
  useAccount,
  useIdentities,
  useSessions,
} from './account.ts'
export { AuthError, type AuthErrorCode } from './auth-error.ts'
export {
  AuthProvider,
  type AuthProviderProps,
  useAuth,
  useTexts,
  useUser,
} from './auth-provider.tsx'
export { Avatar, type AvatarProps } from './person.tsx'
export { type ProvidersState, type UseProvidersOptions, useProviders } from './providers.ts'
export type { Remote } from './remote.ts'
export {
  RedirectToSignIn,
  type RedirectToSignInProps,
  RequireAuth,
  type RequireAuthProps,
  useRedirectToSignIn,
} from './require-auth.tsx'
export type { AuthState, SignOutOptions } from './session-client.ts'
export { SignIn, type SignInProps } from './sign-in.tsx'
export { SignInButton, type SignInButtonProps } from './sign-in-button.tsx'
export { type SignInUrlOptions, signInUrl } from './sign-in-url.ts'
export {
  SignOutButton,
  type SignOutButtonProps,
  type SignOutForm,
  type UseSignOutOptions,
  useSignOut,
} from './sign-out-button.tsx'
export {
  AuthLoading,
  type AuthLoadingProps,
  SignedIn,
  type SignedInProps,
  SignedOut,
  type SignedOutProps,
} from './signed-in.tsx'
export { errorSentence, type TextOverrides, type Texts } from './texts.ts'
export { type SignInAttempt, type SignInOptions, useSignIn } from './use-sign-in.ts'
export { UserButton, type UserButtonProps } from './user-button.tsx'
export { UserProfile, type UserProfileProps } from './user-profile.tsx'
