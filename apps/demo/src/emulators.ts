import type { BitbucketEmulator } from '@latchkey/bitbucket-emulator'
import type { ProviderEmulator } from '@latchkey/provider-emulator'

/** The emulators that the demo started. A real provider has no request log. */
export interface Emulators {
  readonly bitbucket?: BitbucketEmulator | undefined
  /** Emulates all other providers. */
  readonly others?: ProviderEmulator | undefined
}

/** A request to an emulated provider. */
export interface EmulatorRequest {
  readonly method: string
  /** The path as the provider itself would see it. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
  /** The `Authorization` header, or an empty string. */
  readonly authorization: string
  readonly status: number | null
}

/** Returns the requests to an emulated provider, oldest first. */
export function requestsTo(id: string, { bitbucket, others }: Emulators): EmulatorRequest[] {
  // The provider emulator serves https://api.github.com/user at /github/https/api.github.com/user.
  const prefix = id === 'bitbucket' ? /^(?=\/)/ : new RegExp(`^/${id}/https?/[^/]+(?=/)`)
  const log = (id === 'bitbucket' ? bitbucket : others)?.requests ?? []
  return log
    .filter(({ path }) => prefix.test(path))
    .map(({ method, path, query, body, headers, status }) => ({
      method,
      path: path.replace(prefix, ''),
      query,
      form: typeof body === 'string' ? {} : body,
      authorization: headers.authorization ?? '',
      status,
    }))
}
