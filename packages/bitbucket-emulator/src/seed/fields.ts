// Each of these reads one value of a seed. If it is wrong, it throws a TypeError that names the field and the cure.

export function readObject(
  value: unknown,
  where: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${where} must be an object.`)
  }
  const stranger = Object.keys(value).find((key) => !known.includes(key))
  if (stranger === undefined) return { ...value }
  throw new TypeError(`${where} has an unknown field "${stranger}". Known are ${known.join(', ')}.`)
}

export function readList<Item>(
  value: unknown,
  where: string,
  readItem: (value: unknown, where: string) => Item,
  empty: 'allow empty' | 'refuse empty' = 'refuse empty',
): Item[] {
  if (value === undefined) throw new TypeError(`${where} is missing. Give a list.`)
  if (!Array.isArray(value)) throw new TypeError(`${where} must be a list.`)
  if (value.length === 0 && empty === 'refuse empty') {
    throw new TypeError(`${where} is empty. Give at least one, or leave it out for the default.`)
  }
  return value.map((item, index) => readItem(item, `${where}[${index}]`))
}

export function readText(value: unknown, where: string, what: string): string {
  const isText = typeof value === 'string'
  if (isText && value.trim() !== '' && value.isWellFormed()) return value
  let problem = value === undefined ? 'is missing' : 'must be a text that is not empty'
  // A lone surrogate, which neither a form nor a URL can hold.
  if (isText && !value.isWellFormed()) problem = 'has half a character in it'
  throw new TypeError(`${where} ${problem}. Give ${what}.`)
}

export function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  const problem = value === undefined ? 'is missing. Give' : 'must be'
  throw new TypeError(`${where} ${problem} true or false.`)
}

export function refuseTwins(values: readonly string[], where: string, key: string): void {
  const twin = values.find((value, index) => values.indexOf(value) !== index)
  if (twin === undefined) return
  throw new TypeError(`${where} has "${twin}" twice as ${key}. Each must be unique.`)
}
