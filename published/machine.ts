import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { createProject, type Project } from './project.ts'

/** The newest versions that the tests use. */
export const newest = { node: '26.10.0', npm: '12' }

/** Someone else's machine: a folder outside of this repository, with its own Node and npm. */
export interface Machine {
  /** Creates an empty project in which npm finds our tarballs as if they were published. */
  createProject(name: string): Promise<Project>
  /** Stops every program that is still running, and removes the folder. */
  remove(): Promise<void>
}

/** @throws Error if npm cannot install this Node or npm. */
export async function setUpMachine(node: string, npm: string): Promise<Machine> {
  const bin = await binariesOf(node, npm)
  const home = await mkdtemp(join(tmpdir(), 'latchkey-outside-'))
  const projects: Project[] = []
  return {
    async createProject(name) {
      const project = await createProject(join(home, name), bin, inject('registry'))
      projects.push(project)
      return project
    },
    async remove() {
      await Promise.all(projects.map((project) => project.end()))
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Returns the folder that contains `node` and `npm`. The run installs each pair of versions once for all files. */
async function binariesOf(node: string, npm: string): Promise<string> {
  const response = await fetch(`${inject('registry')}/-/tools?node=${node}&npm=${npm}`)
  const answer = await response.text()
  if (!response.ok) throw new Error(answer)
  return answer
}

/** Returns a port that is currently free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
