import { invalidOption } from './errors.ts'

const SHORTEST_SECRET = 32
/** The shortest random secrets, of 32 hexadecimal digits, have more; `aaaa…` and words have fewer. */
const FEWEST_CHARACTERS = 8

const CURE = 'Make one with: openssl rand -base64 48'

/**
 * Checks the option `secret`. Messages never hold a secret.
 * @param development Whether a placeholder is good enough.
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID`
 */
export function checkSecrets(
  given: string | readonly (string | undefined)[],
  development: boolean,
): [string, ...string[]] {
  const isArray = typeof given !== 'string'
  const check = (secret: string | undefined): string => {
    if (isArray && given.length > 0 && !secret) {
      throw invalidOption('secret', 'has one in its list that is missing; is a variable not set?')
    }
    if (typeof secret !== 'string' || secret.length < SHORTEST_SECRET) {
      throw invalidOption('secret', `must have at least ${SHORTEST_SECRET} characters. ${CURE}`)
    }
    if (new Set(secret).size < FEWEST_CHARACTERS || repeatsItself(secret)) {
      throw invalidOption('secret', `must be random, and this one repeats itself. ${CURE}`)
    }
    if (!development && isPlaceholder(secret)) {
      throw invalidOption('secret', `must be random, and this one is a placeholder. ${CURE}`)
    }
    return secret
  }
  const [first, ...others] = [given].flat() as readonly (string | undefined)[]
  return [check(first), ...others.map(check)]
}

/** Whether a text is a shorter one over and over, the last time perhaps not to its end. */
function repeatsItself(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true
  }
  return false
}

/** Of six letters or more: a random secret has none of them. */
const PLACEHOLDER =
  /change[-_. ]?(me|this|it)|replace|placeholder|example|secret|password|insert|default|insecure|dummy[-_. ]|your[-_. ]/i

/** Letters and digits mixed, 16 at least. Words with such a part behind them are a good secret. */
const RANDOM_PART = /(?=[a-z0-9+/]*\d[a-z+/]+\d)[a-z0-9+/]{16,}/i

/** Whether a text is one that people write until they have a secret, or that goes along the keyboard's alphabet. */
function isPlaceholder(text: string): boolean {
  return (PLACEHOLDER.test(text) && !RANDOM_PART.test(text)) || isAlphabet(text)
}

/** Whether most characters follow the one before, as in `abcdefgh…` and `01234567…`. */
function isAlphabet(text: string): boolean {
  const codes = Array.from(text, (character) => character.charCodeAt(0))
  const following = codes.filter((code, index) => code - 1 === codes[index - 1])
  return following.length > text.length / 2
}
