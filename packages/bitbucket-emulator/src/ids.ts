import { createHash } from 'node:crypto'

/** 128 hexadecimal digits, always the same for the same text. */
export function digestOf(text: string): string {
  return createHash('sha512').update(text).digest('hex')
}

/** A uuid in braces, as Bitbucket writes them, always the same for the same text. */
export function uuidFrom(text: string): string {
  return `{${digestOf(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')}}`
}
