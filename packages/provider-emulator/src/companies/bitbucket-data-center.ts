import { type Company, castOf } from './cast.ts'

/** A header contains the user's name. Everything else is in the list of users. */
export const bitbucketDataCenter: Company = () =>
  castOf(['ada', 'ben', 'closed'], ({ number, nickname, name, email, isClosed }) => ({
    note: isClosed ? 'deactivated' : '',
    responses: {
      username: {
        headers: { 'x-ausername': nickname },
        body: { version: '9.6.0', buildNumber: '9006000', displayName: 'Bitbucket' },
      },
      users: {
        body: {
          values: [
            {
              name: nickname,
              emailAddress: email,
              id: 100 + number,
              displayName: name,
              active: !isClosed,
              slug: nickname,
              type: 'NORMAL',
            },
          ],
        },
      },
    },
  }))
