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

// Generates the tables of props and results in `docs/react` from the types in `@latchkey/react` and
// their JSDoc. In a page, a table goes between `<!-- props: SignInProps -->` and `<!-- /props -->`.
// `npx pnpm@12 props` writes all tables.

const root = join(import.meta.dirname, '..')
const config = join(root, 'packages/react/tsconfig.json')
const entry = join(root, 'packages/react/src/index.ts')
const TABLE = /(?<=^<!-- props: (\w+) -->\n).*?(?=^<!-- \/props -->$)/gms

/** A page in `docs/react`. */
export interface Page {
  readonly file: string
  readonly text: string
  /** The text with tables that match the current types. */
  readonly written: string
}

export interface Reference {
  /** The names of the exported components, hooks, functions and classes. Types are not included. */
  readonly names: readonly string[]
  readonly pages: readonly Page[]
}

/** Reads the pages in `docs/react`, and generates their tables. */
export function readReference(): Reference {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (!project) throw new Error(`TypeScript cannot open ${config}.`)
    const exported = exportsOf(project)
    const pages = globSync('docs/react/*.md', { cwd: root }).map((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      const written = text.replace(TABLE, (_, name: string) => {
        const symbol = exported.get(name)
        if (!symbol) throw new Error(`${file}: @latchkey/react does not export ${name}.`)
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

/** Returns the header and the rows of a table. The rows of a union are grouped by `status`. */
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
        const name = code(symbol.name) + (isRequired ? ' (required)' : '')
        return [name, code(typeOf(symbol, project)), descriptionOf(symbol, project)]
      })
    if (!status) return others
    const first = code(typeOf(status, project))
    return others.length === 0
      ? [[first, '', '', '']]
      : others.map((row, index) => [index === 0 ? first : '', ...row])
  })
  return [[...(isUnion ? ['Status'] : []), 'Name', 'Type', 'Description'], ...rows]
}

/** Returns the properties that do not come from React or the DOM, in source order. */
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

/**
 * Returns a property's type as it is written in the source, without `undefined`. Named unions of string
 * literals are expanded.
 */
function typeOf(symbol: TypeSymbol, project: Project): string {
  const { checker } = project
  const source = sourceOf(symbol, project)
  const type = checker.getTypeOfSymbol(symbol)
  const literals = (type?.isUnionType() ? type.getTypes() : type ? [type] : [])
    .filter((member) => !(member.flags & TypeFlags.Undefined))
    .map((member) => (member.isStringLiteralType() ? `'${member.value}'` : undefined))
  if (literals.length === 0 || literals.includes(undefined)) return source
  const named = checker.resolveName(source, SymbolFlags.TypeAlias, declarationOf(symbol, project))
  const order = named ? sourceOf(aliased(named, checker), project) : source
  return literals
    .map((literal = '') => ({ literal, index: order.indexOf(literal) }))
    .sort((a, b) => a.index - b.index)
    .map(({ literal }) => literal)
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

/** Returns the symbol that an import or export refers to. */
function aliased(symbol: TypeSymbol, checker: Checker): TypeSymbol {
  return symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function descriptionOf(symbol: TypeSymbol, project: Project): string {
  const tags = symbol.getJsDocTags(project.checker).map(({ name, text = '' }) => {
    const [, first = '', rest = ''] = /^(\w+)(.*?)\.?$/s.exec(text.trim()) ?? []
    return name === 'throws' ? `Rejects with an ${code(first)}${rest}.` : `${code(first)}:${rest}.`
  })
  return [symbol.getDocumentationComment(project.checker), ...tags].join(' ').trim()
}

/** Formats a text as inline code. */
function code(text: string): string {
  return `\`${text}\``
}

/** Formats rows as a Markdown table with aligned columns. */
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
