import { type Company, castOf } from './cast.ts'

export const atlassian: Company = () =>
  castOf(['ada', 'ben', 'closed'], ({ number, nickname, name, email, isClosed }) => ({
    responses: {
      me: {
        body: {
          account_type: 'atlassian',
          account_id: `557058:00000000-0000-4000-8000-00000000000${number}`,
          account_status: isClosed ? 'closed' : 'active',
          name,
          nickname,
          email,
        },
      },
    },
  }))
