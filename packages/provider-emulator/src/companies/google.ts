import { type Company, castOf } from './cast.ts'

export const google: Company = () =>
  castOf(['ada', 'ben', 'unverified'], ({ number, firstName, name, email, isVerified }) => ({
    claims: {
      sub: `1000000000000000000${number}`,
      name,
      given_name: firstName,
      family_name: 'Test',
      email,
      email_verified: isVerified,
    },
  }))
