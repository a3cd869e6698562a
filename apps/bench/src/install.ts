import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publishOnLoopback } from '../../../published/publish.ts'
import { type Weight, weigh } from '../../../published/weigh.ts'
import { nodeCommand } from './processes.ts'
import { inAnotherOrder, type Run } from './run.ts'
import { versionOf } from './versions.ts'

export interface InstallResult {
  /** The size of a production install, including Fastify. */
  readonly installs: Readonly<Record<string, Weight>>
  /** Milliseconds from the start of a new process until the application is ready. */
  readonly rounds: readonly Readonly<Record<string, number>>[]
}

export interface Installed {
  readonly title: string
  /** The packages that are installed in addition to Fastify. */
  readonly packages: readonly string[]
  /** The code that an application runs when it starts. */
  readonly code: string
}

const SECRET = 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo'

const LATCHKEY = (store: string): string => `
import latchkey, { bitbucket } from '@latchkey/fastify'
${store}
await app.register(latchkey, {
  origin: 'https://app.example.com',
  secret: '${SECRET}',
  providers: [bitbucket({ clientId: 'an-id', clientSecret: 'a-client-secret' })],
  store,
})`

const SESSION = `
import cookie from '@fastify/cookie'
import session from '@fastify/session'
await app.register(cookie)
await app.register(session, { secret: '${SECRET}' })`

/** The libraries that can sign people in with a provider, each with the minimum setup that works. */
export const installed: Readonly<Record<string, Installed>> = {
  fastify: { title: 'Fastify alone', packages: [], code: '' },
  'latchkey-sqlite': {
    title: 'Latchkey, SQLite',
    packages: ['@latchkey/fastify'],
    code: LATCHKEY(
      `import { sqlite } from '@latchkey/fastify/sqlite'\nconst store = sqlite('latchkey.db')`,
    ),
  },
  'latchkey-postgres': {
    title: 'Latchkey, PostgreSQL',
    packages: ['@latchkey/fastify', 'pg'],
    code: LATCHKEY(
      `import { postgres } from '@latchkey/fastify/postgres'\nconst store = postgres(process.env.DATABASE_URL)`,
    ),
  },
  'fastify-oauth2': {
    title: '@fastify/oauth2, @fastify/session',
    packages: ['@fastify/cookie', '@fastify/session', '@fastify/oauth2'],
    code: `${SESSION}
import oauth2 from '@fastify/oauth2'
await app.register(oauth2, {
  name: 'bitbucket',
  credentials: {
    client: { id: 'an-id', secret: 'a-client-secret' },
    auth: { tokenHost: 'https://bitbucket.org', tokenPath: '/site/oauth2/access_token' },
  },
  startRedirectPath: '/login',
  callbackUri: 'https://app.example.com/login/callback',
})`,
  },
  passport: {
    title: '@fastify/passport, passport-bitbucket-oauth20',
    packages: [
      '@fastify/cookie',
      '@fastify/session',
      '@fastify/passport',
      'passport-bitbucket-oauth20',
    ],
    code: `${SESSION}
import { Authenticator } from '@fastify/passport'
import { Strategy } from 'passport-bitbucket-oauth20'
const authenticator = new Authenticator()
const credentials = { clientID: 'an-id', clientSecret: 'a-client-secret' }
authenticator.use('bitbucket', new Strategy(credentials, () => {}))
await app.register(authenticator.initialize())
await app.register(authenticator.secureSession())`,
  },
  'better-auth': {
    title: 'Better Auth, SQLite',
    packages: ['better-auth'],
    code: `
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
const auth = betterAuth({
  baseURL: 'https://app.example.com',
  secret: '${SECRET}',
  database: new DatabaseSync('better-auth.sqlite'),
  telemetry: { enabled: false },
  socialProviders: { github: { clientId: 'an-id', clientSecret: 'a-client-secret' } },
})
await auth.$context`,
  },
  clerk: {
    title: 'Clerk',
    packages: ['@clerk/fastify', '@clerk/backend'],
    code: `
import { clerkPlugin } from '@clerk/fastify'
await app.register(clerkPlugin, {
  publishableKey: 'pk_live_${Buffer.from('clerk.example.com$').toString('base64')}',
  secretKey: 'sk_live_none',
  telemetry: { disabled: true },
})`,
  },
  'auth-js': {
    title: 'Auth.js',
    packages: ['@auth/core'],
    code: `
import { Auth } from '@auth/core'
import Bitbucket from '@auth/core/providers/bitbucket'
const providers = [Bitbucket({ clientId: 'an-id', clientSecret: 'a-client-secret' })]
const config = { secret: '${SECRET}', trustHost: true, providers }
app.all('/auth/*', (request) => Auth(new Request(request.url), config))`,
  },
}

const run = promisify(execFile)

/**
 * Measures the size of each install and how long the application takes to start. Our packages come from a local
 * registry, all others from npm.
 */
export async function measureInstall({
  quick,
  folder,
  say,
  emptyDatabase,
}: Run): Promise<InstallResult> {
  const { registry, remove } = await publishOnLoopback()
  const names = quick ? ['fastify', 'latchkey-sqlite'] : Object.keys(installed)
  const installs: Record<string, Weight> = {}
  try {
    for (const name of names) {
      const { packages, title, code } = installed[name] as Installed
      const project = join(folder, `install-${name}`)
      mkdirSync(project)
      writeFileSync(join(project, '.npmrc'), `@latchkey:registry=${registry}\n`)
      writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
      writeFileSync(join(project, 'start.js'), startScript(code))
      const wanted = ['fastify', ...packages].map((name) =>
        name.startsWith('@latchkey/') ? name : `${name}@${versionOf(name)}`,
      )
      const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund']
      await run('npm', ['install', ...flags, ...wanted], { cwd: project })
      installs[name] = weigh(project)
      const { packages: count, bytes } = installs[name]
      say(`${title}: ${count} packages, ${(bytes / 1e6).toFixed(1)} MB`)
    }
  } finally {
    await remove()
  }

  const env = { ...process.env, NODE_ENV: 'production', DATABASE_URL: await emptyDatabase() }
  const ready = async (name: string): Promise<number> => {
    const [command, ...given] = nodeCommand(true, 'start.js')
    const cwd = join(folder, `install-${name}`)
    return Number((await run(command, given, { cwd, env })).stdout)
  }
  // The first start creates tables, and loads the files into the file cache.
  for (const name of names) await ready(name)
  const rounds: Record<string, number>[] = []
  for (let round = 0; round < (quick ? 3 : 21); round++) {
    const took: Record<string, number> = {}
    for (const name of inAnotherOrder(names, round)) took[name] = await ready(name)
    rounds.push(took)
  }
  say(`started every application ${rounds.length} times`)
  return { installs, rounds }
}

function startScript(code: string): string {
  return `import Fastify from 'fastify'
const app = Fastify()
${code}
app.get('/', async () => ({}))
await app.ready()
console.log(performance.now())
process.exit()
`
}
