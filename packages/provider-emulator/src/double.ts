// One emulated provider. It follows the sheet exactly, and returns answers about people that are known in advance.

import { companies } from './companies/companies.ts'
import { createEmulatedUrls, type EmulatedUrls } from './emulated-url.ts'
import { type EmulatedPerson, nicknameOf } from './person.ts'
import { type Endpoints, endpointsOf, type Sheet } from './sheet.ts'

export const clientId = 'latchkey-dev'
export const clientSecret = 'latchkey-dev-secret-for-the-provider-emulator'

/** An emulated provider. */
export interface Double {
  readonly sheet: Sheet
  readonly people: readonly EmulatedPerson[]
  readonly endpoints: Endpoints
  readonly urls: EmulatedUrls
}

/**
 * Creates the emulated provider for a sheet.
 * @param given The people, or `undefined` for the built-in people of a built-in company
 * @throws TypeError if there are no people, or if two share a nickname
 */
export function createDouble(
  sheet: Sheet,
  given: readonly EmulatedPerson[] | undefined,
  emulatorUrl: string,
): Double {
  const people = given ?? builtInPeople(sheet)
  if (people.length === 0) {
    throw new TypeError(
      `Provider \`${sheet.id}\`: there are no people. Pass at least one as the second argument.`,
    )
  }
  const nicknames = people.map(nicknameOf)
  const twin = nicknames.find((nickname, index) => nicknames.indexOf(nickname) !== index)
  if (twin !== undefined) {
    throw new TypeError(
      `Provider \`${sheet.id}\`: two people share the nickname "${twin}". Set a different \`nickname\` or \`title\`.`,
    )
  }
  const urls = createEmulatedUrls(emulatorUrl, sheet.id)
  return { sheet, people, endpoints: endpointsOf(sheet), urls }
}

function builtInPeople(sheet: Sheet): readonly EmulatedPerson[] {
  const company = typeof sheet.emulated === 'string' ? companies.get(sheet.emulated) : undefined
  if (company !== undefined) return company(sheet)
  throw new TypeError(
    `Provider \`${sheet.id}\`: the emulator does not know this company. Pass its people as the second argument: emulate(provider, [{ title, responses }]).`,
  )
}

/** Returns the sheet with the emulator's URLs and credentials. */
export function emulatedSheet<S extends Sheet>(sheet: S, { urls }: Double): S {
  const { toEmulated, toReal } = urls
  const moved = (url: string | undefined): string | undefined =>
    url === undefined ? undefined : toEmulated(url)
  const { openid } = sheet
  return {
    ...sheet,
    clientId,
    clientSecret: sheet.clientAuth === 'none' ? undefined : clientSecret,
    authorize: moved(sheet.authorize),
    token: moved(sheet.token),
    issuer: moved(sheet.issuer),
    openid: openid && {
      ...openid,
      issuer: toEmulated(openid.issuer),
      metadata: moved(openid.metadata),
      isIssuer:
        openid.isIssuer && ((issuer, claims) => openid.isIssuer?.(toReal(issuer), claims) === true),
    },
    steps: Object.fromEntries(
      Object.entries(sheet.steps).map(([name, step]) => {
        const { url } = step
        const emulated =
          typeof url === 'string'
            ? toEmulated(url)
            : (earlier: Readonly<Record<string, unknown>>) => toEmulated(url(earlier))
        return [name, { ...step, url: emulated }]
      }),
    ),
  }
}
