/** The maximum number of characters of a `User-Agent` that are parsed. Browsers send about 120. */
const LONGEST = 512

/** The parser. It is loaded on the first sign-in, so that it does not slow down the server's startup. */
let loaded: Parser | undefined

interface Parser {
  readonly parse: typeof import('bowser')['parse']
  /** All names in its lists. */
  readonly programs: ReadonlySet<string>
  readonly systems: ReadonlySet<string>
}

async function load(): Promise<Parser> {
  const { default: bowser } = await import('bowser')
  const { BROWSER_MAP, OS_MAP } = bowser
  return {
    parse: (userAgent) => bowser.parse(userAgent),
    programs: new Set(Object.values(BROWSER_MAP)),
    systems: new Set(Object.values(OS_MAP)),
  }
}

/**
 * Returns a name for the device that sends this `User-Agent`, such as `Firefox on Linux`, or `null` if it
 * contains no known name. It helps people recognise their devices. No decision depends on it, because the
 * browser can send anything.
 */
export async function deviceOf(userAgent: string | undefined): Promise<string | null> {
  if (userAgent === undefined || userAgent === '') return null
  loaded ??= await load()
  const { browser, os } = loaded.parse(userAgent.slice(0, LONGEST))
  const program = known(browser.name, loaded.programs)
  const system = known(os.name, loaded.systems)
  // `Samsung Internet for Android` already contains the system.
  if (program === null || system === null || program.endsWith(` for ${system}`)) {
    return program ?? system
  }
  return `${program} on ${system}`
}

/**
 * Drops a name that is not in the parser's lists. The parser copies such a name from the
 * `User-Agent`, which can contain anything.
 */
function known(name: string | undefined, names: ReadonlySet<string>): string | null {
  return name !== undefined && names.has(name) ? name : null
}
