import { type Company, castOf } from './cast.ts'

export const discord: Company = () =>
  castOf(
    ['ada', 'ben', 'no-email', 'unverified'],
    ({ number, nickname, name, email, isVerified }) => ({
      responses: {
        user: {
          body: {
            id: `8035111022467891${number}`,
            username: nickname,
            global_name: name,
            avatar: null,
            email,
            verified: isVerified,
          },
        },
      },
    }),
  )
