import type { SessionBody, User } from '@latchkey/contract'

/** The data for a gallery page, which shows the components with simulated servers. */
export interface GalleryData {
  readonly page: 'gallery'
  /** The component whose examples to show. */
  readonly part: GalleryPart
  readonly theme: GalleryTheme
  readonly language: GalleryLanguage
  /** Whether to show only the examples, for screenshots. */
  readonly bare: boolean
  /** The name of the only example to show. Default: all. */
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

/** The simulated servers. */
export const scenarios = [
  /** Signed out, with one provider. */
  'signed-out',
  /** Signed out, with three providers. */
  'several',
  /** Signed out, with eight providers. */
  'eight',
  /** Signed out, without providers. */
  'closed',
  /** Responds only after a timeout. */
  'silent',
  /** Always returns 503. */
  'failing',
  /** Signed in, with a list of devices. */
  'ada',
  /** Signed in as a user without a name and with an unconfirmed address. */
  'nameless',
  /** Signed in as a user with a long name. */
  'long',
  /** Signed in, with all parts of the account. */
  'everything',
  /** The same, but every request is rejected. */
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
  roles: [],
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

/** Returns the session to render a page with, or `undefined` if the page must request it. */
export function sessionOf(scenario: Scenario): SessionBody | null | undefined {
  const user = people[scenario]
  if (user === undefined) {
    return scenario === 'silent' || scenario === 'failing' ? undefined : null
  }
  const session = { id: 'ada', provider: 'bitbucket', createdAt: 0, authenticatedAt: 0 }
  return { user, session: { ...session, expiresAt: Date.parse('2036-03-14') } }
}
