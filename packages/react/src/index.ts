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
  appleMark,
  atlassianMark,
  bitbucketMark,
  discordMark,
  githubMark,
  gitlabMark,
  googleMark,
  linkedinMark,
  microsoftMark,
  slackMark,
} from '@latchkey/contract'
export { type AccountActions, useAccount } from './account/use-account.ts'
export { type IdentitiesState, useIdentities } from './account/use-identities.ts'
export { type Device, type SessionsState, useSessions } from './account/use-sessions.ts'
export { UserButton, type UserButtonProps } from './account/user-button.tsx'
export { UserProfile, type UserProfileProps } from './account/user-profile.tsx'
export {
  RedirectToSignIn,
  type RedirectToSignInProps,
  RequireAuth,
  type RequireAuthProps,
  useRedirectToSignIn,
} from './guards/require-auth.tsx'
export {
  AuthFailed,
  type AuthFailedProps,
  type AuthFailure,
  AuthLoading,
  type AuthLoadingProps,
  SignedIn,
  type SignedInProps,
  SignedOut,
  type SignedOutProps,
} from './guards/signed-in.tsx'
export { errorSentence, type TextOverrides, type Texts } from './locales/texts.ts'
export { Avatar, type AvatarProps } from './looks/person.tsx'
export { AuthError, type AuthErrorCode } from './requests/auth-error.ts'
export { useAuth, useTexts, useUser } from './session/auth-context.ts'
export { AuthProvider, type AuthProviderProps } from './session/auth-provider.tsx'
export type { AuthState, SignOutOptions } from './session/auth-state.ts'
export type { Remote } from './session/remote.ts'
export {
  type ProvidersState,
  type UseProvidersOptions,
  useProviders,
} from './sign-in/providers.ts'
export { SignIn, type SignInProps } from './sign-in/sign-in.tsx'
export { SignInButton, type SignInButtonProps } from './sign-in/sign-in-button.tsx'
export { type SignInUrlOptions, signInUrl } from './sign-in/sign-in-url.ts'
export { type SignInAttempt, type SignInOptions, useSignIn } from './sign-in/use-sign-in.ts'
export { SignOutButton, type SignOutButtonProps } from './sign-out/sign-out-button.tsx'
export { type SignOutForm, type UseSignOutOptions, useSignOut } from './sign-out/use-sign-out.ts'
