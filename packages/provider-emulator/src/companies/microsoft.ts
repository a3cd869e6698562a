import { type Company, castOf } from './cast.ts'

/** The tenant of all personal accounts. */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** People belong to the tenant in the sheet's issuer. Without one, they have personal accounts. */
export const microsoft: Company = ({ openid }) => {
  const [tid] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(String(openid?.issuer)) ?? [PERSONAL]
  return castOf(['ada', 'ben', 'no-email'], ({ number, nickname, name, email }) => ({
    claims: {
      iss: `https://login.microsoftonline.com/${tid}/v2.0`,
      ver: '2.0',
      tid,
      oid: `00000000-0000-0000-0000-00000000000${number}`,
      sub: `AAAAAAAAAAAAAAAAAAAAAEmulated${number}`,
      name,
      preferred_username: `${nickname}@example.com`,
      ...(email !== null && { email }),
    },
  }))
}
