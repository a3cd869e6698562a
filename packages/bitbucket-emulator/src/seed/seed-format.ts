/** The emulated people, workspaces and consumers. Each list replaces the built-in one. */
export interface Seed {
  /** The accounts. Default: `defaultPeople`. */
  readonly people?: readonly SeedPerson[]
  /** Default: `acme`, with the first person as owner and the second as member. */
  readonly workspaces?: readonly SeedWorkspace[]
  /** The registered clients. Default: `defaultConsumer`. */
  readonly consumers?: readonly SeedConsumer[]
}

/** A Bitbucket account. Only `nickname` is required. */
export interface SeedPerson {
  /** The nickname and `username`. Must be unique here, because the consent form identifies people by it. */
  readonly nickname: string
  /** Default: the nickname. */
  readonly displayName?: string
  /** In braces: `{87bb15eb-47c1-49b3-9f16-ca824a2979a4}`. Default: derived from the nickname. */
  readonly uuid?: string
  /** `557058:<uuid>` or 24 hexadecimal digits. Default: derived from the nickname. */
  readonly accountId?: string
  /** Default `active`. */
  readonly accountStatus?: string
  /** In the order in which the API returns them. Default: `<nickname>@example.com`, primary and confirmed. */
  readonly emails?: readonly Email[]
}

/** One of a person's e-mail addresses. At most one of them can be primary. */
export interface Email {
  readonly email: string
  readonly isPrimary: boolean
  readonly isConfirmed: boolean
}

/** A Bitbucket workspace. `slug` and `owners` are required. */
export interface SeedWorkspace {
  /** The name in URLs: lower-case letters, digits, - and _. */
  readonly slug: string
  /** Default: the slug. */
  readonly name?: string
  /** In braces. Default: derived from the slug. */
  readonly uuid?: string
  /** The nicknames of the owners. At least one is required. */
  readonly owners: readonly string[]
  /** The nicknames of members who can also create projects. Default: none. */
  readonly projectCreators?: readonly string[]
  /** The nicknames of all other members. Default: none. */
  readonly members?: readonly string[]
}

/**
 * A registered OAuth client. Bitbucket called it an OAuth consumer until 2026, and has called it an OAuth client since
 * then. Either `clientId` or `name` is required.
 */
export interface SeedConsumer {
  /** Default: derived from the name, with the length that the profile sets. */
  readonly clientId?: string
  /** Default: derived from the client id, with the length that the profile sets. */
  readonly clientSecret?: string
  /** The name on the consent page. Default: the client id. */
  readonly name?: string
  /** The registered callback URL, or `any-loopback` to accept any loopback URL. */
  readonly callbackUrl?: string
  /** The client's permissions, which are the scopes of its tokens. Default: `account` and `email`. */
  readonly scopes?: readonly string[]
  /**
   * Whether the client can use `client_credentials`. In Bitbucket's settings: "This is a private consumer". Default
   * `false`.
   */
  readonly isPrivate?: boolean
  /** The slug of the workspace in which the client was registered. Default: the first workspace. */
  readonly workspace?: string
}

export type Person = Required<SeedPerson>
export type Workspace = Required<SeedWorkspace>
export type Consumer = Required<Omit<SeedConsumer, 'callbackUrl' | 'workspace'>> &
  Pick<SeedConsumer, 'callbackUrl'> & { readonly workspace: Workspace }
