import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Answers, ReadProfile } from '../providers/provider.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { shareables } from '../testing/kept.ts'

const emulator = setUpEmulator()

describe.each(shareables)('a custom provider, with %s', (_what, share) => {
  it('can omit optional fields', async () => {
    const { store } = await share()
    const own = bitbucket({ emulatorUrl: emulator().url })
    const profile = (answers: Answers): ReadProfile => {
      const { subject } = own.profile(answers)
      return { subject }
    }
    const app = await buildApp(emulator(), { store: store(), providers: [{ ...own, profile }] })
    const browser = createBrowser(app)
    for (let time = 0; time < 2; time++) {
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      expect((await browser.get('/auth/session')).json().user).toMatchObject({
        name: null,
        email: null,
        emailVerified: false,
        avatarUrl: null,
      })
    }
  })

  it('does not erase stored fields that it omits', async () => {
    const { store } = await share()
    const own = bitbucket({ emulatorUrl: emulator().url })
    let omitsFields = false
    const profile = (answers: Answers): ReadProfile => {
      const read = own.profile(answers)
      if (!omitsFields) return read
      return { subject: read.subject, emailVerified: true }
    }
    const app = await buildApp(emulator(), { store: store(), providers: [{ ...own, profile }] })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const { user } = (await browser.get('/auth/session')).json()
    omitsFields = true
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json().user).toEqual(user)
    const other = createBrowser(app)
    await other.signIn('ben')
    expect((await other.get('/auth/session')).json().user).toMatchObject({
      email: null,
      emailVerified: false,
    })
  })
})
