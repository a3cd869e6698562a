import type { SessionBody, User } from '@latchkey/contract'

/** The components by themselves, with pretended servers behind them. */
export interface GalleryData {
  readonly page: 'gallery'
  /** Which component's examples. */
  readonly part: GalleryPart
  readonly theme: GalleryTheme
  readonly language: GalleryLanguage
  /** Whether all but the examples is left out, for pictures. */
  readonly bare: boolean
  /** The one example to show. Default: all. */
  readonly only?: string | undefined
}

export const galleryParts = [
  'overview',
  'sign-in-button',
  'sign-in',
  'user-button',
  'user-profile',
  'sign-out-button',
  'guards',
  'themes',
] as const
export type GalleryPart = (typeof galleryParts)[number]

export const galleryThemes = ['auto', 'light', 'dark'] as const
export type GalleryTheme = (typeof galleryThemes)[number]

export const galleryLanguages = ['en', 'de', 'fr', 'es', 'ja', 'ar'] as const
export type GalleryLanguage = (typeof galleryLanguages)[number]

/** Servers that only pretend, and what they are like. */
export const scenarios = [
  /** Nobody is signed in, and there is one provider. */
  'nobody',
  /** Nobody is signed in, and there are three. */
  'several',
  /** Nobody is signed in, and there is none. */
  'closed',
  /** Answers when nobody waits any more. */
  'silent',
  /** Always in trouble. */
  'failing',
  /** Somebody is signed in, and sees their devices. */
  'ada',
  /** Somebody without a name, and with an address that is not confirmed. */
  'nameless',
  /** Somebody with a long name. */
  'long',
  /** Somebody who may do all that there is. */
  'everything',
  /** The same, to whom each wish is refused. */
  'refusing',
] as const
export type Scenario = (typeof scenarios)[number]

const ada: User = {
  id: 'user-1',
  name: 'Ada Test',
  email: 'ada@example.com',
  emailVerified: true,
  avatarUrl: null,
  createdAt: 0,
}

const people: Partial<Record<Scenario, User>> = {
  ada,
  nameless: { ...ada, name: null, emailVerified: false },
  long: {
    ...ada,
    name: 'Wilhelmina Featherstonehaugh-Cholmondeley Test',
    email: 'wilhelmina.featherstonehaugh-cholmondeley@mail.example.com',
  },
  everything: { ...ada, emailVerified: false },
  refusing: ada,
}

/** Who is signed in there, so that a page can be rendered with it; `undefined` if it has to ask. */
export function sessionOf(scenario: Scenario): SessionBody | null | undefined {
  const user = people[scenario]
  if (user === undefined) {
    return scenario === 'silent' || scenario === 'failing' ? undefined : null
  }
  const session = { id: 'ada', provider: 'bitbucket', createdAt: 0, authenticatedAt: 0 }
  return { user, session: { ...session, expiresAt: Date.parse('2036-03-14') } }
}
