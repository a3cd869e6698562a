import { type Company, castOf } from './cast.ts'

/** GitHub keeps an address private unless its owner publishes it, so only the list has it. */
export const github: Company = () =>
  castOf(
    ['ada', 'ben', 'no-email', 'unverified'],
    ({ number, nickname, name, email, isVerified }) => {
      const address = { email, primary: true, verified: isVerified, visibility: null }
      return {
        responses: {
          user: { body: { login: nickname, id: number, name, email: null } },
          emails: { body: email === null ? [] : [address] },
        },
      }
    },
  )
