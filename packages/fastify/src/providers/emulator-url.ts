import { LatchkeyError } from '../http/errors.ts'
import { isLoopback } from '../http/request-origin.ts'

/**
 * Returns the origin of an emulator, or `undefined` without one.
 * @param company The name of the provider function, for the error.
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` if it is not a loopback URL
 */
export function emulatorOrigin(
  company: string,
  emulatorUrl: string | undefined,
): string | undefined {
  if (emulatorUrl === undefined || emulatorUrl === '') return undefined
  const url = URL.parse(emulatorUrl)
  if (url?.protocol === 'http:' && isLoopback(url.hostname) && url.pathname === '/') {
    return url.origin
  }
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `${company}(): \`emulatorUrl\` must be a loopback URL without a path, such as http://127.0.0.1:4020.`,
  )
}
