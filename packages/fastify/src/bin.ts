#!/usr/bin/env node
import './http/node-version.ts'

import { parseArgs } from 'node:util'
import { runCommand } from './administration/command-line.ts'

const help = `Latchkey's administration from the command line.

Usage:
  latchkey grant-role <provider> <subject> <role> [--store DATABASE]
  latchkey grant-role --user <user-id> <role> [--store DATABASE]
  latchkey revoke-role …

  <provider> <subject>  the user's account at a provider: its id in your options, such as bitbucket, and the
                        provider's permanent id for the person, such as a Bitbucket uuid in braces
  --user ID             Latchkey's own id for the user, which the log shows at each sign-in
  --store DATABASE      the path of a SQLite file, or a postgres:// URL (default: the environment variable
                        DATABASE_URL)
  --help                print this help

The user must have signed in once. Running servers use the new roles within milliseconds.
`

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      user: { type: 'string' },
      store: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || positionals.length === 0) process.stdout.write(help)
  else {
    const database = values.store ?? process.env.DATABASE_URL
    process.stdout.write(`${await runCommand(positionals, values.user, database)}\n`)
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
