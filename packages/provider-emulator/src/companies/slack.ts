import { type Company, castOf } from './cast.ts'

export const slack: Company = () =>
  castOf(['ada', 'ben'], ({ number, firstName, name, email }) => ({
    claims: {
      sub: `U000000${number}`,
      'https://slack.com/user_id': `U000000${number}`,
      'https://slack.com/team_id': 'T0000001',
      name,
      given_name: firstName,
      family_name: 'Test',
      email,
      email_verified: true,
    },
  }))
