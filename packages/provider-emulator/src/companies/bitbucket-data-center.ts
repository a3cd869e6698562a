import { type Company, castOf } from './cast.ts'

/** The name of the user is in a header, and the list of users has the rest. */
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
