import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  InterfaceDeclaration,
  Node,
  PropertySignatureDeclaration,
  TypeAliasDeclaration,
} from 'typescript/unstable/ast'
import {
  API,
  type Checker,
  type Project,
  SymbolFlags,
  type Type,
  TypeFlags,
  type Symbol as TypeSymbol,
} from 'typescript/unstable/sync'

// The tables of props and of results in `docs/react`, out of the types of `@latchkey/react` and the
// comments on them. A page says where one belongs, with `<!-- props: SignInProps -->` above and
// `<!-- /props -->` below; `npx pnpm@12 props` writes it.

const root = join(import.meta.dirname, '..')
const config = join(root, 'packages/react/tsconfig.json')
const entry = join(root, 'packages/react/src/index.ts')
const PLACE = /(?<=^<!-- props: (\w+) -->\n).*?(?=^<!-- \/props -->$)/gms

/** A page as it is, and as it is with the tables of today. */
export interface Page {
  readonly file: string
  readonly text: string
  readonly written: string
}

export interface Reference {
  /** What the package exports but for types: components, hooks, functions, classes. */
  readonly names: readonly string[]
  readonly pages: readonly Page[]
}

export function readReference(): Reference {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (!project) throw new Error(`TypeScript cannot open ${config}.`)
    const exported = exportsOf(project)
    const pages = globSync('docs/react/*.md', { cwd: root }).map((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      const written = text.replace(PLACE, (_, name: string) => {
        const symbol = exported.get(name)
        if (!symbol) throw new Error(`${file}: @latchkey/react exports no ${name}.`)
        return `\n${aligned(rowsOf(project.checker.getDeclaredTypeOfSymbol(symbol), project))}\n\n`
      })
      return { file, text, written }
    })
    const names = [...exported.keys()].filter(
      (name) => (exported.get(name)?.flags ?? 0) & SymbolFlags.Value,
    )
    return { names, pages }
  } finally {
    api.close()
  }
}

function exportsOf({ program, checker }: Project): ReadonlyMap<string, TypeSymbol> {
  const file = program.getSourceFile(entry)
  const module = file && checker.getSymbolAtLocation(file)
  if (!module) throw new Error(`TypeScript cannot read ${entry}.`)
  return new Map(
    checker.getExportsOfModule(module).map((symbol) => [symbol.name, aliased(symbol, checker)]),
  )
}

/** The head of a table, and its rows: of a union for each `status` what comes with it. */
function rowsOf(type: Type, project: Project): readonly (readonly string[])[] {
  const members = type.isUnionType() ? type.getTypes() : [type]
  const isUnion = members.length > 1
  const rows = members.flatMap((member) => {
    const all = ownProperties(member, project)
    const isOfOptions = all.some(isOptional)
    const status = all.find(({ name }) => isUnion && name === 'status')
    const others = all
      .filter((symbol) => symbol !== status)
      .map((symbol) => {
        const isRequired = isOfOptions && !isOptional(symbol)
        const name = code(symbol.name) + (isRequired ? ', required' : '')
        return [name, code(typeOf(symbol, project)), meaningOf(symbol, project)]
      })
    if (!status) return others
    const first = code(typeOf(status, project))
    return others.length === 0
      ? [[first, '', '', '']]
      : others.map((row, index) => [index === 0 ? first : '', ...row])
  })
  return [[...(isUnion ? ['status'] : []), 'name', 'type', ''], ...rows]
}

/** Not those of React and the DOM. In the order of the source, which is not that of the checker. */
function ownProperties(type: Type, project: Project): readonly TypeSymbol[] {
  const own = declarationOf<InterfaceDeclaration>(type.getSymbol(), project)
  return project.checker
    .getPropertiesOfType(type)
    .flatMap((symbol) => {
      const path = symbol.declarations[0]?.path ?? ''
      const node = declarationOf<PropertySignatureDeclaration>(symbol, project)
      if (!node || path.startsWith('bundled:') || path.includes('/node_modules/')) return []
      return { symbol, inherited: node.parent === own ? 0 : 1, path, pos: node.pos }
    })
    .sort((a, b) => a.inherited - b.inherited || a.path.localeCompare(b.path) || a.pos - b.pos)
    .map(({ symbol }) => symbol)
}

function declarationOf<T extends Node>(
  symbol: TypeSymbol | undefined,
  project: Project,
): T | undefined {
  return symbol?.declarations[0]?.resolve(project) as T | undefined
}

function isOptional(symbol: TypeSymbol): boolean {
  return (symbol.flags & SymbolFlags.Optional) !== 0
}

/** As it is written, but for `undefined`; of a name for nothing but a few texts, these. */
function typeOf(symbol: TypeSymbol, project: Project): string {
  const { checker } = project
  const source = sourceOf(symbol, project)
  const type = checker.getTypeOfSymbol(symbol)
  const texts = (type?.isUnionType() ? type.getTypes() : type ? [type] : [])
    .filter((member) => !(member.flags & TypeFlags.Undefined))
    .map((member) => (member.isStringLiteralType() ? `'${member.value}'` : undefined))
  if (texts.length === 0 || texts.includes(undefined)) return source
  const named = checker.resolveName(source, SymbolFlags.TypeAlias, declarationOf(symbol, project))
  const order = named ? sourceOf(aliased(named, checker), project) : source
  return texts
    .map((text = '') => ({ text, place: order.indexOf(text) }))
    .sort((a, b) => a.place - b.place)
    .map(({ text }) => text)
    .join(' | ')
}

function sourceOf(symbol: TypeSymbol, project: Project): string {
  type Declaration = PropertySignatureDeclaration | TypeAliasDeclaration
  const node = declarationOf<Declaration>(symbol, project)?.type
  return (node ? project.emitter.printNode(node) : '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\breadonly |;(?= \})/g, '')
    .replace(/ \| undefined$/, '')
    .replace(/^\((.*=>.*)\)$/, '$1')
}

/** What an import or an export stands for. */
function aliased(symbol: TypeSymbol, checker: Checker): TypeSymbol {
  return symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function meaningOf(symbol: TypeSymbol, project: Project): string {
  const tags = symbol.getJsDocTags(project.checker).map(({ name, text = '' }) => {
    const [, first = '', rest = ''] = /^(\w+)(.*?)\.?$/s.exec(text.trim()) ?? []
    return name === 'throws' ? `Rejects with an ${code(first)}${rest}.` : `${code(first)}:${rest}.`
  })
  return [symbol.getDocumentationComment(project.checker), ...tags].join(' ').trim()
}

function code(text: string): string {
  return `\`${text}\``
}

function aligned(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => cell.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')),
  )
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  )
  const [head, ...body] = cells.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)))
  return [head, widths.map((width) => '-'.repeat(width)), ...body]
    .map((row) => `| ${row?.join(' | ')} |`)
    .join('\n')
}

if (import.meta.main) {
  for (const { file, written } of readReference().pages) writeFileSync(join(root, file), written)
}
