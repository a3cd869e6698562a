import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, delimiter, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'

/** A separate project outside of this repository. */
export interface Project {
  readonly folder: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Runs a command, and waits until it exits. */
  run(command: string, env?: NodeJS.ProcessEnv): Promise<{ code: number | null; said: string }>
  /** Runs `npm install …`, and returns npm's warnings. */
  install(command: string, env?: NodeJS.ProcessEnv): Promise<string[]>
  /** Starts a program, and returns the first match for `ready` in its output. */
  start(command: string, ready: RegExp, env?: NodeJS.ProcessEnv): Promise<RegExpExecArray>
  /** Stops every program that is still running. */
  end(): Promise<void>
}

/**
 * Creates an empty project.
 *
 * @param bin The folder that contains `node` and `npm`. Default: the ones on this machine.
 * @param registry The URL where npm finds our packages.
 */
export async function createProject(
  folder: string,
  bin: string | null,
  registry: string,
): Promise<Project> {
  const running = new Set<ChildProcess>()
  const name = basename(folder)
  const programs = [join(folder, 'node_modules/.bin'), ...(bin === null ? [] : [bin])]

  function spawnIn(command: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program = '', ...args] = command.split(' ')
    const PATH = [...programs, process.env.PATH].join(delimiter)
    const child = spawn(program, args, { cwd: folder, env: { ...ownEnvironment(), PATH, ...env } })
    running.add(child)
    child.once('close', () => running.delete(child))
    return child
  }

  async function run(
    command: string,
    env?: NodeJS.ProcessEnv,
  ): Promise<{ code: number | null; said: string }> {
    const child = spawnIn(command, env)
    let said = ''
    onOutput(child, (text) => {
      said += text
    })
    const [code] = await once(child, 'close')
    return { code, said }
  }

  const project: Project = {
    folder,
    run,
    async write(files) {
      for (const [file, content] of Object.entries(files)) {
        const path = join(folder, file)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, content)
      }
    },
    async install(command, env) {
      console.log(`${name}: ${command}`)
      const { code, said } = await run(command, env)
      if (code !== 0)
        throw new Error(`${command} failed. Can the npm registry be reached?\n${said}`)
      // Warnings about the machine's own npm configuration are not about our packages.
      return said.match(/^npm warn (?!Unknown \w+ config).*$/gim) ?? []
    },
    async start(command, ready, env) {
      const child = spawnIn(command, env)
      let said = ''
      return new Promise((resolve, reject) => {
        onOutput(child, (text) => {
          said += text
          const match = ready.exec(said)
          if (match !== null) resolve(match)
        })
        child.once('error', reject)
        child.once('close', () => reject(new Error(`${command} ended:\n${said}`)))
      })
    },
    async end() {
      const children = [...running]
      await Promise.all(
        children.map((child) => {
          child.kill()
          return once(child, 'close')
        }),
      )
    },
  }
  await project.write({
    // Skip the audit. Its requests take time and say nothing about our packages.
    '.npmrc': `@latchkey:registry=${registry}\nfetch-retries=1\naudit=false\nfund=false\n`,
    'package.json': JSON.stringify({ name, private: true, type: 'module' }),
  })
  return project
}

function onOutput({ stdout, stderr }: ChildProcess, listener: (text: string) => void): void {
  const streams: (Readable | null)[] = [stdout, stderr]
  for (const stream of streams) stream?.on('data', (data) => listener(String(data)))
}

/**
 * Removes the variables that pnpm and Vitest added, but keeps the ones that this machine needs to reach the
 * npm registry.
 */
function ownEnvironment(): NodeJS.ProcessEnv {
  const network = 'config_(registry|ca|cafile|proxy|https_proxy|noproxy|globalconfig|userconfig)$'
  const added = new RegExp(`^(npm_(?!${network})|pnpm_|NODE_(ENV|PATH)$|VITEST)`)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)))
}
