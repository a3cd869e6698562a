/** Who and what exists. Each list that is given replaces the built-in one. */
export interface Seed {
  readonly people?: readonly SeedPerson[]
  /** Default: `acme`, owned by the first of the people, with the second as its member. */
  readonly workspaces?: readonly SeedWorkspace[]
  readonly consumers?: readonly SeedConsumer[]
}

/** A Bitbucket account. Only `nickname` is needed. */
export interface SeedPerson {
  /** Also the `username`; unique here, as it names the person's button on the consent page. */
  readonly nickname: string
  /** Default: the nickname. */
  readonly displayName?: string
  /** In braces: `{87bb15eb-47c1-49b3-9f16-ca824a2979a4}`. Default: made from the nickname. */
  readonly uuid?: string
  /** `557058:<uuid>` or 24 hexadecimal digits. Default: made from the nickname. */
  readonly accountId?: string
  /** Default `active`. */
  readonly accountStatus?: string
  /** In the order in which the API lists them. Default: `<nickname>@example.com`, as it should be. */
  readonly emails?: readonly Email[]
}

export interface Email {
  readonly email: string
  readonly isPrimary: boolean
  readonly isConfirmed: boolean
}

/** A Bitbucket workspace. Only `slug` and `owners` are needed. */
export interface SeedWorkspace {
  /** Its name in URLs: lower-case letters, digits and - _. */
  readonly slug: string
  /** Default: the slug. */
  readonly name?: string
  /** In braces. Default: made from the slug. */
  readonly uuid?: string
  /** Nicknames. A workspace has at least one. */
  readonly owners: readonly string[]
  /** Nicknames of members who may also create projects. Default: none. */
  readonly projectCreators?: readonly string[]
  /** Nicknames of all other members. Default: none. */
  readonly members?: readonly string[]
}

/**
 * A registered OAuth client. Bitbucket calls it an OAuth consumer, and since 2026 an OAuth client.
 * It needs a `clientId` or a `name`.
 */
export interface SeedConsumer {
  /** Default: made from the name, as long as the profile's are. */
  readonly clientId?: string
  /** Default: made from the client id, as long as the profile's are. */
  readonly clientSecret?: string
  /** What the consent page calls it. Default: the client id. */
  readonly name?: string
  /** The registered callback URL, or `any-loopback` to accept any loopback address. */
  readonly callbackUrl?: string
  /** The permissions of its form: what its tokens may do. Default `account` and `email`. */
  readonly scopes?: readonly string[]
  /** "This is a private consumer": whether it may use `client_credentials`. Default `false`. */
  readonly isPrivate?: boolean
  /** The slug of the workspace that it was registered in. Default: the first workspace. */
  readonly workspace?: string
}

export type Person = Required<SeedPerson>
export type Workspace = Required<SeedWorkspace>
export type Consumer = Required<Omit<SeedConsumer, 'callbackUrl' | 'workspace'>> &
  Pick<SeedConsumer, 'callbackUrl'> & { readonly workspace: Workspace }
