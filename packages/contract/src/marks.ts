import type { Mark } from './bodies.ts'

/**
 * Bitbucket's mark, unaltered: geometry and colours are those of Atlassian's own `@atlaskit/logo` 23.3,
 * `BitbucketIcon`, in blue. A trademark of Atlassian: https://www.atlassian.com/legal/trademark
 */
export const bitbucketMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      fill: '#1868DB',
      d: 'M0 6a6 6 0 0 1 6-6h12a6 6 0 0 1 6 6v12a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6z',
    },
    {
      fill: '#FFFFFF',
      d: 'm17.898 11.353-.994 6.064c-.065.367-.324.583-.691.583H7.787c-.367 0-.627-.216-.691-.583L5.346 6.604C5.28 6.237 5.476 6 5.82 6h12.358c.346 0 .54.237.475.604l-.475 2.85c-.065.41-.303.582-.691.582h-7.432c-.109 0-.173.065-.152.194l.584 3.583c.021.086.086.151.172.151h2.68c.086 0 .15-.065.172-.151l.41-2.59c.044-.324.26-.453.563-.453H17.4c.432 0 .562.216.497.582',
    },
  ],
}
