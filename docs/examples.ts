import { join } from 'node:path'
import { API, type Project, SymbolFlags, type Symbol as TypeSymbol } from 'typescript/unstable/sync'
import { root } from './pages.ts'

// Finds public functions whose docstring has no `@example`. Public functions are the ones that the packages
// export, and the methods of `app.latchkey` and of the emulator.

const ENTRIES = [
  'packages/bitbucket-emulator/src/index.ts',
  'packages/contract/src/index.ts',
  'packages/fastify/src/index.ts',
  'packages/fastify/src/store/postgres.ts',
  'packages/fastify/src/store/sqlite.ts',
  'packages/provider-emulator/src/index.ts',
  'packages/react/src/index.ts',
]

/** Interfaces whose methods also count as public functions. */
const WITH_METHODS = ['Latchkey', 'BitbucketEmulator']

/** Returns each public function as `file: name`, and whether its docstring has an example. */
export function readFunctions(): { readonly name: string; readonly hasExample: boolean }[] {
  const api = new API({ cwd: root })
  try {
    return ENTRIES.flatMap((entry) => {
      const config = join(root, entry.replace(/src\/.*/, 'tsconfig.json'))
      const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
      const file = project?.program.getSourceFile(join(root, entry))
      const module = file && project?.checker.getSymbolAtLocation(file)
      if (!project || !module) throw new Error(`TypeScript cannot read ${entry}.`)
      return project.checker
        .getExportsOfModule(module)
        .flatMap((symbol) => functionsOf(symbol, project))
        .map(({ name, symbol }) => ({
          name: `${entry}: ${name}`,
          hasExample: symbol.getJsDocTags(project.checker).some((tag) => tag.name === 'example'),
        }))
    })
  } finally {
    api.close()
  }
}

interface Found {
  readonly name: string
  readonly symbol: TypeSymbol
}

function functionsOf(exported: TypeSymbol, project: Project): readonly Found[] {
  const { checker } = project
  const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const { name } = exported
  if (WITH_METHODS.includes(name)) return methodsOf(symbol, name, project)
  if (!(symbol.flags & (SymbolFlags.Function | SymbolFlags.Variable))) return []
  return isFunction(symbol, project) ? [{ name, symbol }] : []
}

/** Returns the methods of one of our interfaces, and those of the objects in it. */
function methodsOf(symbol: TypeSymbol, path: string, project: Project): readonly Found[] {
  const { checker } = project
  const type =
    symbol.flags & SymbolFlags.Interface
      ? checker.getDeclaredTypeOfSymbol(symbol)
      : checker.getTypeOfSymbol(symbol)
  const members = type === undefined ? [] : checker.getPropertiesOfType(type)
  return members.flatMap((member) => {
    const name = `${path}.${member.name}`
    if (!isOurs(member)) return []
    if (isFunction(member, project)) return [{ name, symbol: member }]
    const inner = checker.getTypeOfSymbol(member)?.getSymbol()
    return inner && inner.flags & SymbolFlags.Interface && isOurs(inner)
      ? methodsOf(inner, name, project)
      : []
  })
}

function isFunction(symbol: TypeSymbol, { checker }: Project): boolean {
  if (symbol.flags & (SymbolFlags.Function | SymbolFlags.Method)) return true
  const type = checker.getTypeOfSymbol(symbol)
  return type !== undefined && checker.getSignaturesOfType(type, 0).length > 0
}

function isOurs(symbol: TypeSymbol): boolean {
  const [declaration] = symbol.declarations
  return declaration !== undefined && !/^bundled:|\/node_modules\//.test(declaration.path)
}
