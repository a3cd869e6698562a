/** A response of a provider's API. */
export interface EmulatedResponse {
  /** Default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A string is sent unchanged, any other value as JSON. */
  readonly body?: unknown
}

/**
 * An account at an emulated provider. The known people of a contract test (`KnownPerson` of
 * `@latchkey/fastify/testing`) have this shape.
 */
export interface EmulatedPerson {
  /** The name on the consent page. */
  readonly title: string
  /** The short name on the consent page, which tests can click. Default: `title`. */
  readonly nickname?: string | undefined
  /** What is unusual about the account, for the consent page. */
  readonly note?: string | undefined
  /** The response to each step of the sheet, by the step's name. For a list with several pages: an array of responses. */
  readonly responses?:
    | Readonly<Record<string, EmulatedResponse | readonly EmulatedResponse[]>>
    | undefined
  /** The claims of the ID token, for OpenID Connect. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  /** The form fields that a provider with form_post sends at the person's first sign-in. */
  readonly posted?: Readonly<Record<string, string>> | undefined
}

/** Returns the name that identifies a person on the consent page. */
export function nicknameOf({ nickname, title }: EmulatedPerson): string {
  return nickname ?? title
}
