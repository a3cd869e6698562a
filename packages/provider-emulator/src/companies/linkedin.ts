import { type Company, castOf } from './cast.ts'

export const linkedin: Company = () =>
  castOf(['ada', 'ben', 'no-email'], ({ number, firstName, name, email, isVerified }) => ({
    claims: {
      sub: `emulated${number}`,
      name,
      given_name: firstName,
      family_name: 'Test',
      locale: 'en-US',
      ...(email !== null && { email, email_verified: isVerified }),
    },
  }))
