import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { UserButton } from '../account/user-button.tsx'
import { UserProfile } from '../account/user-profile.tsx'
import { AuthProvider } from '../session/auth-provider.tsx'
import { SignIn } from '../sign-in/sign-in.tsx'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import {
  device,
  everyPart,
  type FakeServer,
  identity,
  provider,
  signedIn,
  signedOut,
  startFakeServer,
} from '../testing/fake-server.ts'
import { arabic } from './ar.ts'
import { german } from './de.ts'
import { english } from './en.ts'
import { spanish } from './es.ts'
import { french } from './fr.ts'
import { japanese } from './ja.ts'
import type { Texts } from './texts.ts'

const languages = [
  { language: 'de', texts: german, day: '04.03.2026' },
  { language: 'fr', texts: french, day: '4 mars 2026' },
  { language: 'es', texts: spanish, day: '4 mar 2026' },
  { language: 'ja', texts: japanese, day: '2026/03/04' },
  { language: 'ar', texts: arabic, day: '04\u200f/03\u200f/2026' },
]

/** Words that are the same in English. */
const cognates: Readonly<Record<string, readonly string[]>> = { de: ['Name'] }

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
  history.replaceState(null, '', '/')
})

afterEach(() => {
  cleanup()
  server.close()
  expect(complaints).not.toHaveBeenCalled()
})

/** Returns every text by its key and every message by its code. */
function textsOf({ errors, ...texts }: Texts): Map<string, string> {
  return new Map(Object.entries({ ...texts, ...errors }))
}

function placeholders(text: string | undefined): string[] {
  return [...new Set(text?.match(/\{.*?\}/g))].sort()
}

/** Returns all visible and accessible texts of the components, signed out and signed in. */
async function allShownTexts(texts: Texts): Promise<Set<string>> {
  const forge = provider('forge', 'Example Forge')
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), forge],
    lastUsed: 'forge',
    account: everyPart,
  }
  server.session = signedOut
  const shown = new Set<string>()
  const signedOutPage = render(
    <AuthProvider texts={texts} initialSession={signedOut}>
      <SignIn authError="provider_refused" />
      <SignIn authError="no_such_code" purpose="sign-up" providers={['bitbucket']} />
      <SignIn providers={[]} />
      <SignIn display="modal" />
    </AuthProvider>,
  )
  collect(signedOutPage.container, shown)
  await screen.findByText(texts.lastUsed)
  collect(signedOutPage.container, shown)
  cleanup()

  server.session = signedIn()
  if (server.session.user === null) throw new Error('The user is signed out.')
  const user = { ...server.session.user, emailVerified: false }
  server.session = { ...server.session, user }
  server.identities = [identity('identity-1', 'bitbucket'), identity('identity-2', 'forge')]
  const lastUsedAt = new Date(2026, 2, 4, 12).getTime()
  server.sessions = [
    device('session-1', 'Firefox on Linux', true),
    { ...device('session-2', null), lastUsedAt },
  ]
  const signedInPage = render(
    <AuthProvider texts={texts} initialSession={server.session}>
      <UserButton profileUrl="/account" />
      <UserProfile />
      <SignIn />
      <SignOutButton scope="global" />
    </AuthProvider>,
  )
  await screen.findByText(texts.unknownDevice)
  await screen.findByText(texts.disconnectQuestion.replace('{provider}', 'Bitbucket'))
  collect(signedInPage.container, shown)
  cleanup()
  return shown
}

function collect(container: HTMLElement, shown: Set<string>): void {
  for (const element of container.querySelectorAll('*')) {
    const attributes = ['aria-label', 'title', 'alt', 'placeholder']
    for (const name of attributes) shown.add(element.getAttribute(name) ?? '')
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) shown.add(node.textContent ?? '')
    }
  }
  shown.delete('')
}

test('English is the default', async () => {
  expect(english.language).toBe('en')
  const shown = await allShownTexts(english)
  expect(shown).toContain(english.signIn)
  expect(shown).toContain(english.deleteQuestion)
})

test.each(languages)(
  '$language has every text, with the same placeholders',
  ({ language, texts }) => {
    expect(texts.language).toBe(language)
    const own = textsOf(texts)
    const original = textsOf(english)
    expect([...own.keys()].sort()).toEqual([...original.keys()].sort())
    for (const [key, text] of own) {
      expect(text.trim()).toBe(text)
      expect([key, placeholders(text)]).toEqual([key, placeholders(original.get(key))])
    }
  },
)

test.each(languages)('$language contains no English text', ({ language, texts }) => {
  const original = textsOf(english)
  const same = [...textsOf(texts)].filter(([key, text]) => text === original.get(key))
  expect(same.map(([, text]) => text)).toEqual(cognates[language] ?? [])
  for (const text of textsOf(texts).values()) {
    expect(text).not.toMatch(/\b(the|you|your|please|sign|again|account|this|device)\b(?!\})/i)
  }
})

test.each(languages)(
  'the card, the button and the account use $language, also for dates',
  async ({ language, texts, day }) => {
    const original = await allShownTexts(english)
    const shown = await allShownTexts(texts)
    expect([...shown].filter((text) => original.has(text)).sort()).toEqual(
      [
        'Bitbucket',
        'Example Forge',
        // The symbol on the button that closes the dialog. The button has an accessible name.
        '×',
        'Firefox on Linux',
        'T',
        'Test Person',
        'test.person@example.com',
        ...(cognates[language] ?? []),
      ].sort(),
    )
    const [before = '', after = ''] = texts.lastUsedAt.split('{date}')
    const dated = [...shown].filter((text) => text.startsWith(before) && text.includes(day))
    expect(dated).toHaveLength(1)
    expect(dated[0]?.endsWith(after)).toBe(true)
  },
)

test.each(languages)(
  "a message in $language is correct without the provider's name",
  ({ texts }) => {
    const sentences = Object.values(texts.errors).filter((text) => text.includes('{provider}'))
    expect(sentences.length).toBeGreaterThan(0)
    for (const sentence of sentences) {
      // A capital letter would be wrong within the sentence.
      if (/^\p{Lu}/u.test(texts.unknownProvider)) expect(sentence).toMatch(/^\{provider\} /)
    }
  },
)

test.each(languages)(
  'the accessible name of a button in $language contains its label',
  ({ texts }) => {
    expect(texts.signOutDevice.toLowerCase()).toContain(texts.signOut.toLowerCase())
  },
)

test.each([
  // In German, an ellipsis that replaces words has a space before it. In French, a colon does.
  ['de', german, /["'`]|\.\.\.|(?<!\u00a0)…/],
  ['fr', french, /["'`]|\.\.\.|(?<!\u00a0):|(?<!\u202f)[;!?]/],
  ['es', spanish, /["'`]|\.\.\.|^[^¿]*\?|^[^¡]*!/],
  ['ja', japanese, /["'`.,:;!?() ]/],
  ['ar', arabic, /["'`,;?]|\.\.\./],
])('%s uses its own punctuation and spaces', (_, texts, wrong) => {
  for (const text of textsOf(texts).values()) expect(text).not.toMatch(wrong)
})

test('does not compile if a text or the message for a code is missing', () => {
  const { close: _close, ...withoutText } = german
  const { flow_used: _sentence, ...errors } = german.errors
  // @ts-expect-error
  const one: Texts = withoutText
  // @ts-expect-error
  const other: Texts = { ...german, errors }
  expect([one.close, other.errors.flow_used]).toEqual([undefined, undefined])
})
