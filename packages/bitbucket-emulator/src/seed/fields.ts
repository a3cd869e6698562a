// Each function validates one value of a seed, and throws a TypeError that names the field and says how to fix it.

export function readObject(
  value: unknown,
  where: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${where} must be an object.`)
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown === undefined) return { ...value }
  throw new TypeError(
    `${where} has an unknown field "${unknown}". The fields are ${known.join(', ')}.`,
  )
}

export function readList<Item>(
  value: unknown,
  where: string,
  readItem: (value: unknown, where: string) => Item,
  empty: 'allow empty' | 'refuse empty' = 'refuse empty',
): Item[] {
  if (value === undefined) throw new TypeError(`${where} is missing. Set it to an array.`)
  if (!Array.isArray(value)) throw new TypeError(`${where} must be an array.`)
  if (value.length === 0 && empty === 'refuse empty') {
    throw new TypeError(`${where} is empty. Add an item, or omit the field to use the default.`)
  }
  return value.map((item, index) => readItem(item, `${where}[${index}]`))
}

export function readText(value: unknown, where: string, expected: string): string {
  const isText = typeof value === 'string'
  if (isText && value.trim() !== '' && value.isWellFormed()) return value
  let problem = value === undefined ? 'is missing' : 'must be a non-empty string'
  // Neither a form nor a URL can represent a lone surrogate.
  if (isText && !value.isWellFormed()) problem = 'contains a lone surrogate'
  throw new TypeError(`${where} ${problem}. Set it to ${expected}.`)
}

export function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  const problem = value === undefined ? 'is missing. Set it to' : 'must be'
  throw new TypeError(`${where} ${problem} true or false.`)
}

export function refuseTwins(values: readonly string[], where: string, key: string): void {
  const twin = values.find((value, index) => values.indexOf(value) !== index)
  if (twin === undefined) return
  throw new TypeError(`The ${key} "${twin}" appears twice in ${where}. Each must be unique.`)
}
