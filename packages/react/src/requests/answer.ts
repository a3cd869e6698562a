/** Checks that an untrusted value has the shape that the components need. */
export type Check<T> = (value: unknown) => value is T

export function isString(value: unknown): value is string {
  return typeof value === 'string'
}

export function isStringOrNull(value: unknown): value is string | null {
  return value === null || isString(value)
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** A 204 response has no body. */
export function isEmpty(value: unknown): value is undefined {
  return value === undefined
}

export function isListOf<T>(value: unknown, isItem: Check<T>): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem)
}

/** Checks the listed fields. Newer servers may send additional fields. */
export function hasFields<T>(
  value: unknown,
  checks: { readonly [Field in keyof T]?: (value: unknown) => boolean },
): value is T {
  if (!isObject(value)) return false
  const named: [string, (value: unknown) => boolean][] = Object.entries(checks)
  return named.every(([field, isValid]) => isValid(value[field]))
}
