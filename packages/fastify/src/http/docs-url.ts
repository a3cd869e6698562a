// Written by `npx pnpm@12 generate` from publisher.json. Do not edit.

/** Where the folder `docs` is published, or its path in the repository. */
export const DOCS_URL: string = 'docs'
