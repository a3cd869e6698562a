import { parse } from 'bowser'

/** The longest `User-Agent` that is looked at, in characters. Browsers' own have some 120. */
const LONGEST = 512

/**
 * What a person would call the device that sends this `User-Agent`, such as `Firefox on Linux`, or `null`
 * where it says nothing of the kind. It is the browser's own word, for people to recognise their devices
 * by, and nothing is decided by it.
 */
export function deviceOf(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent === '') return null
  const { browser, os } = parse(userAgent.slice(0, LONGEST))
  const [program, system] = [browser.name, os.name].map((name) => (isName(name) ? name : null))
  return program && system ? `${program} on ${system}` : (program ?? system ?? null)
}

/** Of what it does not know, the parser gives parts, which may say anything. */
function isName(name: string | undefined): name is string {
  return name !== undefined && /^[A-Za-z][\w.+ -]{0,30}$/.test(name)
}
