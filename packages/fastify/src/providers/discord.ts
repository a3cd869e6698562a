import { discordMark } from '@latchkey/contract'
import { type CompanyOptions, checkOptions, common, setupOf } from './company-options.ts'
import { defineProvider } from './define-provider.ts'
import type { Provider, Row } from './provider.ts'
import { read } from './read.ts'

/**
 * Returns Discord as a provider. https://docs.discord.com/developers/topics/oauth2
 *
 * @throws LatchkeyError `LATCHKEY_OPTION_INVALID` or `LATCHKEY_OPTION_UNKNOWN`
 *
 * @example
 * discord({
 *   clientId: process.env.DISCORD_CLIENT_ID,
 *   clientSecret: process.env.DISCORD_CLIENT_SECRET,
 * })
 */
export function discord(options: CompanyOptions = {}): Provider {
  checkOptions('discord', options)

  return defineProvider({
    ...common(options, 'discord', 'Discord'),
    mark: discordMark,
    setup: setupOf('DISCORD', 'https://discord.com/developers/applications'),
    authorize: 'https://discord.com/oauth2/authorize',
    token: 'https://discord.com/api/oauth2/token',
    // https://discord.com/.well-known/oauth-authorization-server
    issuer: 'https://discord.com',
    scope: ['identify', 'email'],
    vouchesForEmail: true,
    steps: { user: { url: 'https://discord.com/api/v10/users/@me' } },
    isSubject: (subject) => /^\d+$/.test(subject),
    profile: ({ user }) => ({
      subject: read.id(user.id),
      name: read.name(user.global_name, user.username),
      email: read.email(user.email),
      emailVerified: user.verified === true,
      avatarUrl: avatarOf(user),
      attributes: { username: read.text(user.username) },
    }),
  })
}

/** Discord returns the hash of a picture (https://docs.discord.com/developers/reference#image-formatting). */
function avatarOf({ id, avatar }: Row): string | null | undefined {
  if (typeof id !== 'string' || typeof avatar !== 'string')
    return avatar === null ? null : undefined
  return `https://cdn.discordapp.com/avatars/${encodeURIComponent(id)}/${encodeURIComponent(avatar)}.png`
}
