import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LinkedProject, linkProject } from './linked.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
let project: LinkedProject

const ESM = `import latchkey from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import Fastify from 'fastify'

const app = Fastify()
app.register(latchkey, { secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo', store: sqlite(':memory:'), providers: undefined })
console.log(typeof latchkey, typeof app.register)
`

const CJS = `const latchkey = require('@latchkey/fastify')
const { sqlite } = require('@latchkey/fastify/sqlite')
console.log(typeof latchkey.default, typeof sqlite)
`

beforeAll(async () => {
  project = await linkProject(['@types/pg'])
  await project.write({
    'module/package.json': '{ "type": "module" }',
    'module/server.ts': ESM,
    'module/index.js': `import latchkey from '@latchkey/fastify'\nconsole.log(typeof latchkey)\n`,
    'commonjs/package.json': '{ "type": "commonjs" }',
    'commonjs/server.ts': ESM,
    'commonjs/index.js': CJS,
  })
})

afterAll(() => project?.remove())

/** Returns the compiler's error codes. */
async function compile(
  folder: string,
  module: string,
  moduleResolution: string,
): Promise<string[]> {
  const options = {
    module,
    moduleResolution,
    strict: true,
    noEmit: true,
    types: [],
    target: 'es2024',
  }
  const config = { compilerOptions: { ...options, skipLibCheck: true }, files: ['server.ts'] }
  const name = `${folder}/tsconfig.${module}-${moduleResolution}.json`
  await project.write({ [name]: JSON.stringify(config) })
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = await run(tsc, ['-p', join(project.folder, name)]).catch((error) => error)
  return [...new Set(String(stdout).match(/TS\d+/g))]
}

describe('the packages', () => {
  it('can be imported by ES modules and required by CommonJS modules', async () => {
    const outputs = await Promise.all(
      ['module', 'commonjs'].map((folder) =>
        run(process.execPath, [join(project.folder, folder, 'index.js')]),
      ),
    )
    expect(outputs.map(({ stdout }) => stdout.trim())).toEqual(['function', 'function function'])
  })

  it.each([
    ['module', 'nodenext', 'nodenext', []],
    ['module', 'node20', 'node16', []],
    ['module', 'esnext', 'bundler', []],
    ['commonjs', 'nodenext', 'nodenext', []],
    ['commonjs', 'node20', 'node16', []],
    ['commonjs', 'node16', 'node16', ['TS1479']],
  ])(
    'in a project of type %s compile with module %s and module resolution %s: %j',
    async (type, module, resolution, errors) => {
      expect(await compile(type, module, resolution)).toEqual(errors)
    },
  )
})
