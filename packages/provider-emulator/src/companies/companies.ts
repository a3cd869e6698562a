// The people of the built-in companies. This room promises: the answers have the fields that the company documents. The
// tests of each sheet in `@latchkey/fastify` name the source. Pictures are left out, because a browser would load them
// from the network.

import { apple } from './apple.ts'
import { atlassian } from './atlassian.ts'
import { bitbucketDataCenter } from './bitbucket-data-center.ts'
import type { Company } from './cast.ts'
import { discord } from './discord.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { linkedin } from './linkedin.ts'
import { microsoft } from './microsoft.ts'
import { slack } from './slack.ts'

/** The built-in companies, by the name in `emulated` of their sheets. */
export const companies: ReadonlyMap<string, Company> = new Map(
  Object.entries({
    apple,
    atlassian,
    'bitbucket-data-center': bitbucketDataCenter,
    discord,
    github,
    gitlab,
    google,
    linkedin,
    microsoft,
    slack,
  }),
)
