import type { Mark } from './bodies.ts'

/**
 * Bitbucket's mark, a trademark of Atlassian: https://www.atlassian.com/legal/trademark. Its geometry and colours are
 * those of the blue `BitbucketIcon` in Atlassian's `@atlaskit/logo` 23.3, rounded to hundredths of a unit.
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

/** GitHub's mark, a trademark of GitHub: https://github.com/logos. Path from Simple Icons (CC0), version of August 2026. */
export const githubMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      d: 'M12 .3a12 12 0 0 0-3.8 23.38c.6.12.83-.26.83-.57L9 21.07c-3.34.72-4.04-1.61-4.04-1.61-.55-1.39-1.34-1.76-1.34-1.76-1.08-.74.09-.73.09-.73 1.2.09 1.84 1.24 1.84 1.24 1.07 1.83 2.8 1.3 3.49 1 .1-.78.42-1.31.76-1.61-2.66-.3-5.47-1.33-5.47-5.93 0-1.31.47-2.38 1.24-3.22-.14-.3-.54-1.52.1-3.18 0 0 1-.32 3.3 1.23a11.5 11.5 0 0 1 6 0c2.28-1.55 3.29-1.23 3.29-1.23.64 1.66.24 2.88.12 3.18a4.7 4.7 0 0 1 1.23 3.22c0 4.61-2.8 5.63-5.48 5.92.42.36.81 1.1.81 2.22l-.01 3.29c0 .31.2.69.82.57A12 12 0 0 0 12 .3',
    },
  ],
}

/** GitLab's mark, a trademark of GitLab: https://design.gitlab.com/brand-logo/trademark. Path from Simple Icons (CC0), version of August 2026. */
export const gitlabMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      fill: '#FC6D26',
      d: 'm23.6 9.6-.03-.1L20.3.99a1 1 0 0 0-.34-.4.9.9 0 0 0-1 .05 1 1 0 0 0-.29.44l-2.2 6.75H7.54l-2.2-6.75a1 1 0 0 0-.3-.44.9.9 0 0 0-1-.05 1 1 0 0 0-.33.4L.43 9.5.4 9.6a6.1 6.1 0 0 0 2.01 7l.01.02.03.02 4.98 3.72 2.46 1.87 1.5 1.13a1 1 0 0 0 1.22 0l1.5-1.13 2.46-1.87 5-3.74.02-.01a6.1 6.1 0 0 0 2.01-7',
    },
  ],
}

/** Google's mark, a trademark of Google, with the colours of its sign-in button: https://developers.google.com/identity/branding-guidelines. */
export const googleMark: Mark = {
  viewBox: '0 0 48 48',
  paths: [
    {
      fill: '#EA4335',
      d: 'M24 9.5a13 13 0 0 1 9.2 3.6l6.9-6.8a24 24 0 0 0-37.5 7l8 6.1c1.8-5.7 7.1-9.9 13.4-9.9',
    },
    {
      fill: '#4285F4',
      d: 'M47 24.6q0-2.4-.4-4.6H24v9h13q-1 4.6-4.8 7.2l7.7 6c4.5-4.2 7-10.4 7-17.6',
    },
    {
      fill: '#FBBC05',
      d: 'M10.5 28.6a15 15 0 0 1 0-9.2l-8-6.2a24 24 0 0 0 0 21.6z',
    },
    {
      fill: '#34A853',
      d: 'M24 48q9.9-.1 15.9-5.8l-7.7-6q-3.3 2.2-8.2 2.3c-6.3 0-11.6-4.2-13.5-10l-8 6.3A24 24 0 0 0 24 48',
    },
  ],
}

/** Microsoft's mark, a trademark of Microsoft, as in its sign-in button: https://learn.microsoft.com/entra/identity-platform/howto-add-branding-in-apps. */
export const microsoftMark: Mark = {
  viewBox: '0 0 21 21',
  paths: [
    { fill: '#F25022', d: 'M1 1h9v9H1z' },
    { fill: '#7FBA00', d: 'M11 1h9v9h-9z' },
    { fill: '#00A4EF', d: 'M1 11h9v9H1z' },
    { fill: '#FFB900', d: 'M11 11h9v9h-9z' },
  ],
}

/** Apple's mark, a trademark of Apple: https://developer.apple.com/design/human-interface-guidelines/sign-in-with-apple. Path from Simple Icons (CC0), version of August 2026. */
export const appleMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      d: 'M12.15 6.9c-.95 0-2.41-1.08-3.96-1.04a5.9 5.9 0 0 0-4.96 3.01c-2.12 3.68-.55 9.1 1.52 12.09 1.01 1.45 2.2 3.09 3.8 3.04 1.51-.07 2.08-.99 3.93-.99 1.83 0 2.35.99 3.96.95 1.63-.03 2.67-1.48 3.67-2.95a13 13 0 0 0 1.67-3.41 5.3 5.3 0 0 1-.63-9.42 5.6 5.6 0 0 0-4.39-2.37c-2-.16-3.67 1.09-4.6 1.09m3.38-3.07A5.3 5.3 0 0 0 16.78 0a5.4 5.4 0 0 0-3.54 1.82 5 5 0 0 0-1.27 3.71c1.34.1 2.71-.69 3.56-1.7',
    },
  ],
}

/** Discord's mark, a trademark of Discord: https://discord.com/branding. Path from Simple Icons (CC0), version of August 2026. */
export const discordMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      fill: '#5865F2',
      d: 'M20.32 4.37a20 20 0 0 0-4.89-1.52.1.1 0 0 0-.08.04c-.2.38-.44.87-.6 1.25a18 18 0 0 0-5.5 0c-.16-.4-.4-.87-.6-1.25a.1.1 0 0 0-.09-.04 20 20 0 0 0-4.88 1.52l-.04.03A20.3 20.3 0 0 0 .1 18.06l.03.05a20 20 0 0 0 6 3.03.1.1 0 0 0 .08-.02q.7-.95 1.22-2a.1.1 0 0 0-.04-.1 13 13 0 0 1-1.87-.9.1.1 0 0 1 0-.12l.36-.3a.1.1 0 0 1 .08 0 14.2 14.2 0 0 0 12.06 0 .1.1 0 0 1 .08 0l.37.3a.1.1 0 0 1 0 .12 12 12 0 0 1-1.88.9.1.1 0 0 0-.04.1q.55 1.05 1.23 2a.1.1 0 0 0 .08.02c1.96-.6 3.95-1.52 6-3.03l.04-.05c.5-5.18-.84-9.68-3.55-13.66zM8.02 15.33c-1.18 0-2.16-1.08-2.16-2.42s.96-2.42 2.16-2.42 2.18 1.1 2.16 2.42c0 1.34-.96 2.42-2.16 2.42m7.97 0c-1.18 0-2.15-1.08-2.15-2.42s.95-2.42 2.15-2.42c1.22 0 2.18 1.1 2.16 2.42 0 1.34-.94 2.42-2.16 2.42',
    },
  ],
}

/** Slack's mark, a trademark of Slack, as in its sign-in button: https://docs.slack.dev/authentication/sign-in-with-slack. */
export const slackMark: Mark = {
  viewBox: '0 0 122.8 122.8',
  paths: [
    {
      fill: '#E01E5A',
      d: 'M25.8 77.6a13 13 0 0 1-25.8 0 13 13 0 0 1 12.9-12.9h12.9zm6.5 0a13 13 0 0 1 25.8 0v32.3a13 13 0 0 1-25.8 0z',
    },
    {
      fill: '#36C5F0',
      d: 'M45.2 25.8a13 13 0 0 1 0-25.8 13 13 0 0 1 12.9 12.9v12.9zm0 6.5a13 13 0 0 1 0 25.8H12.9a13 13 0 0 1 0-25.8z',
    },
    {
      fill: '#2EB67D',
      d: 'M97 45.2a13 13 0 0 1 25.8 0 13 13 0 0 1-12.9 12.9H97zm-6.5 0a13 13 0 0 1-25.8 0V12.9a13 13 0 0 1 25.8 0z',
    },
    {
      fill: '#ECB22E',
      d: 'M77.6 97a13 13 0 0 1 0 25.8 13 13 0 0 1-12.9-12.9V97zm0-6.5a13 13 0 0 1 0-25.8h32.3a13 13 0 0 1 0 25.8z',
    },
  ],
}

/** LinkedIn's mark, a trademark of LinkedIn: https://brand.linkedin.com. Path from Simple Icons 13 (CC0). */
export const linkedinMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      fill: '#0A66C2',
      d: 'M20.45 20.45h-3.56v-5.57c0-1.32-.02-3.03-1.85-3.03-1.85 0-2.13 1.44-2.13 2.94v5.66H9.35V9h3.42v1.56h.04a3.8 3.8 0 0 1 3.37-1.85c3.6 0 4.27 2.37 4.27 5.46zM5.34 7.43a2.06 2.06 0 0 1-2.07-2.06 2.06 2.06 0 1 1 2.07 2.06m1.78 13.02H3.56V9h3.56zM22.22 0H1.78C.8 0 0 .77 0 1.73v20.54C0 23.23.8 24 1.77 24h20.45c.98 0 1.78-.77 1.78-1.73V1.73C24 .77 23.2 0 22.22 0',
    },
  ],
}

/** Atlassian's mark, a trademark of Atlassian: https://www.atlassian.com/legal/trademark. Path from Simple Icons (CC0), version of August 2026. */
export const atlassianMark: Mark = {
  viewBox: '0 0 24 24',
  paths: [
    {
      fill: '#1868DB',
      d: 'M7.12 11.08a.68.68 0 0 0-1.16.13L.08 22.97A.7.7 0 0 0 .7 24H8.9a.7.7 0 0 0 .62-.39c1.77-3.65.7-9.2-2.4-12.52zM11.43.38a15.5 15.5 0 0 0-.9 15.32l3.95 7.9a.7.7 0 0 0 .63.4h8.19a.7.7 0 0 0 .63-1.03L12.63.38a.66.66 0 0 0-1.2 0',
    },
  ],
}
