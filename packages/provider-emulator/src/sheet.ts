/**
 * The parts of a provider's data sheet that the emulator needs. `github()` and `defineProvider()` of
 * `@latchkey/fastify` return such a sheet.
 */
export interface Sheet {
  readonly id: string
  readonly name: string
  /** The company whose built-in people the emulator has, such as `github`. */
  readonly emulated?: unknown
  readonly clientId: string | undefined
  readonly clientSecret: unknown
  readonly clientAuth: 'basic' | 'post' | 'none' | 'secret_jwt'
  readonly authorize: string | undefined
  readonly token: string | undefined
  readonly issuer: string | undefined
  readonly openid: SheetOpenId | undefined
  readonly pkce: boolean
  readonly responseMode: 'query' | 'form_post'
  readonly posted: readonly string[]
  readonly scope: readonly string[]
  readonly optionalScopes: readonly string[]
  readonly steps: Readonly<Record<string, SheetStep>>
}

/** An OpenID Connect issuer. */
export interface SheetOpenId {
  readonly issuer: string
  readonly metadata?: string | undefined
  readonly isIssuer?:
    | ((issuer: string, claims: Readonly<Record<string, unknown>>) => boolean)
    | undefined
}

/** A request for data about the person. */
export interface SheetStep {
  readonly url: string | ((earlier: Readonly<Record<string, unknown>>) => string)
  readonly method?: 'GET' | 'POST' | undefined
  readonly read?: 'object' | 'list' | 'text' | { readonly header: string } | undefined
  readonly pages?: 'link' | { readonly rows: string; readonly next: string } | undefined
}

/** The endpoints of a provider, as its own URLs. */
export interface Endpoints {
  readonly authorize: string
  readonly token: string
  /** Only with OpenID Connect. */
  readonly openid?: { readonly metadata: string; readonly keys: string; readonly userInfo: string }
}

/** Returns the endpoints of a sheet. Those that a discovery document announces are the emulator's choice. */
export function endpointsOf({ authorize = '', token = '', openid }: Sheet): Endpoints {
  if (openid === undefined) return { authorize, token }
  // OpenID Connect Discovery 1.0 section 4.
  const metadata =
    openid.metadata ?? `${openid.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { origin } = new URL(metadata)
  return {
    authorize: `${origin}/authorize`,
    token: `${origin}/token`,
    openid: { metadata, keys: `${origin}/keys`, userInfo: `${origin}/userinfo` },
  }
}
