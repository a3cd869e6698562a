/** The longest `User-Agent` that is looked at, in characters. Browsers' own have some 120. */
const LONGEST = 512

/** The parser is loaded by the first sign-in, so that no server waits for it to start. */
let loaded: Parser | undefined

interface Parser {
  readonly parse: typeof import('bowser')['parse']
  /** All names that it knows. */
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
 * What a person would call the device that sends this `User-Agent`, such as `Firefox on Linux`, or `null`
 * where it says nothing of the kind. It is the browser's own word, for people to recognise their devices
 * by, and nothing is decided by it.
 */
export async function deviceOf(userAgent: string | undefined): Promise<string | null> {
  if (userAgent === undefined || userAgent === '') return null
  loaded ??= await load()
  const { browser, os } = loaded.parse(userAgent.slice(0, LONGEST))
  const program = known(browser.name, loaded.programs)
  const system = known(os.name, loaded.systems)
  // `Samsung Internet for Android` says it all.
  if (program === null || system === null || program.endsWith(` for ${system}`)) {
    return program ?? system
  }
  return `${program} on ${system}`
}

/** Of a name that it does not know, the parser gives a part of it, which is anybody's own words. */
function known(name: string | undefined, names: ReadonlySet<string>): string | null {
  return name !== undefined && names.has(name) ? name : null
}
