import { invalidOption } from './errors.ts'

const SHORTEST_SECRET = 32
/**
 * Even the shortest random secrets, which have 32 hexadecimal digits, have more distinct characters than
 * this. `aaaa…` and words have fewer.
 */
const FEWEST_CHARACTERS = 8

const CURE = 'Use a random value: openssl rand -base64 48'

/**
 * Checks the option `secret`. Its messages never contain a secret.
 * @param development Whether to accept a placeholder.
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID`
 */
export function checkSecrets(
  given: string | readonly (string | undefined)[],
  development: boolean,
): [string, ...string[]] {
  const isArray = typeof given !== 'string'
  const check = (secret: string | undefined, index: number): string => {
    if (isArray && given.length > 0 && !secret) {
      throw invalidOption(`secret[${index}]`, 'is missing. Set its environment variable')
    }
    if (typeof secret !== 'string' || secret.length < SHORTEST_SECRET) {
      throw invalidOption('secret', `must have at least ${SHORTEST_SECRET} characters. ${CURE}`)
    }
    if (new Set(secret).size < FEWEST_CHARACTERS || repeatsItself(secret)) {
      throw invalidOption('secret', `repeats itself. ${CURE}`)
    }
    if (!development && isPlaceholder(secret)) {
      throw invalidOption('secret', `is a placeholder. ${CURE}`)
    }
    return secret
  }
  const [first, ...others] = [given].flat() as readonly (string | undefined)[]
  return [check(first, 0), ...others.map((secret, index) => check(secret, index + 1))]
}

/** Whether a text repeats a shorter one. The last repetition may be incomplete. */
function repeatsItself(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true
  }
  return false
}

/** Words of six letters or more. A random secret contains none of them. */
const PLACEHOLDERS =
  /change[-_. ]?(me|this|it)|replace|placeholder|example|secret|password|insert|default|insecure|dummy[-_. ]|your[-_. ]/gi

/** Whether a text looks like a placeholder for a secret. */
function isPlaceholder(text: string): boolean {
  const rest = text.replaceAll(PLACEHOLDERS, '')
  return isAlphabet(text) || (rest !== text && !isRandom(rest.replaceAll(/[^a-z0-9]/gi, '')))
}

/**
 * Whether letters and digits are mixed as in random text. A placeholder followed by random text is a good secret.
 */
function isRandom(text: string): boolean {
  const isMixed = text.length >= 16 && /\d[a-z]+\d/i.test(text)
  return isMixed && !isAlphabet(text) && !repeatsItself(text.replaceAll(/\d/g, ''))
}

/** Whether most characters directly follow the previous one in order, as in `abcdefgh…` and `01234567…`. */
function isAlphabet(text: string): boolean {
  const codes = Array.from(text, (character) => character.charCodeAt(0))
  const following = codes.filter((code, index) => code - 1 === codes[index - 1])
  return following.length > text.length / 2
}
