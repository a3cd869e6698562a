// Import this module first, so that an old Node fails with a clear message instead of a missing function.

/** The lowest version in `engines` of package.json. */
const LOWEST = [22, 16] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < LOWEST[0] || (major === LOWEST[0] && minor < LOWEST[1])) {
  throw new Error(
    `@latchkey/provider-emulator requires Node ${LOWEST.join('.')} or newer. This is Node ${process.versions.node}.`,
  )
}

export {}
