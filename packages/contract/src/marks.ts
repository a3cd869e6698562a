import type { Mark } from './bodies.ts'

/**
 * Bitbucket's mark, a trademark of Atlassian: https://www.atlassian.com/legal/trademark. Geometry and colours
 * are those of the blue `BitbucketIcon` in Atlassian's `@atlaskit/logo` 23.3, rounded to hundredths of a unit.
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
      d: 'm17.9 11.35-.99 6.06c-.07.37-.32.58-.69.58H7.79c-.37 0-.63-.22-.69-.58L5.35 6.6C5.28 6.24 5.48 6 5.82 6h12.36c.35 0 .54.24.47.6l-.47 2.85c-.07.41-.3.58-.69.58h-7.43c-.11 0-.17.07-.15.19l.58 3.58c.02.09.09.15.17.15h2.68c.09 0 .15-.07.17-.15l.41-2.59c.04-.32.26-.45.56-.45H17.4c.43 0 .56.22.5.58',
    },
  ],
}
