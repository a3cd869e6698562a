import { LatchkeyError } from '../http/errors.ts'

/** Returns the error for one provider. The message never contains a credential. */
export function invalidProvider(id: string, fault: string): LatchkeyError {
  return new LatchkeyError('LATCHKEY_OPTION_INVALID', `Provider \`${id}\`: ${fault}.`)
}
