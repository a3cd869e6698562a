import { type Company, castOf } from './cast.ts'

export const gitlab: Company = () =>
  castOf(['ada', 'ben', 'unverified', 'closed'], (member) => ({
    note: member.isClosed ? 'blocked' : member.note,
    responses: {
      user: {
        body: {
          id: member.number,
          username: member.nickname,
          name: member.name,
          email: member.email,
          confirmed_at: member.isVerified ? '2026-01-01T00:00:00Z' : null,
          state: member.isClosed ? 'blocked' : 'active',
          locked: false,
        },
      },
    },
  }))
