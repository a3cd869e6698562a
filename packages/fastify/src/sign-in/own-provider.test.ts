import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Profile, ProviderApi } from '../providers/provider.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { shareables } from '../testing/kept.ts'

const emulator = setUpEmulator()

describe.each(shareables)('a provider of the application’s own, with %s', (_what, share) => {
  it('may leave out what it does not know', async () => {
    const { store } = await share()
    const own = bitbucket({ emulatorUrl: emulator().url })
    const readProfile = async (api: ProviderApi): Promise<Profile> => {
      const { subject, active } = await own.readProfile(api)
      return { subject, active } as Profile
    }
    const app = await buildApp(emulator(), { store: store(), providers: [{ ...own, readProfile }] })
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
})
