import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from '../http/cookies.ts'
import { createSeal } from '../http/seal.ts'
import { isObject, type Provider } from '../providers/provider.ts'
import type { Settings } from '../settings.ts'

/**
 * Carries form fields from the POST of a provider to the GET that follows it, in a sealed cookie.
 * They may name a person, so they never become part of a URL.
 */
export interface PostedFields {
  /** Keeps the fields that the provider's sheet names, for the flow with this `state`. */
  keep(
    reply: FastifyReply,
    form: Readonly<Record<string, unknown>>,
    provider: Pick<Provider, 'posted'>,
  ): void
  /** Returns the fields of the flow with this `state`, and clears them. */
  take(
    request: FastifyRequest,
    reply: FastifyReply,
    state: string,
  ): Readonly<Record<string, string | undefined>>
}

/** How long the cookie lives, in seconds. The GET follows at once. */
const MAX_AGE = 60

/** The most that fields may contain together, in characters, so that they fit into a cookie. */
const LONGEST = 1024

export function createPostedFields({ secrets, site }: Settings): PostedFields {
  const { seal, open } = createSeal(secrets, 'posted')

  return {
    // One cookie for all flows, because any site can post forms and so set it.
    keep(reply, form, { posted }) {
      const fields = Object.fromEntries(
        posted.map((name) => [name, form[name]]).filter(([, value]) => typeof value === 'string'),
      )
      const { state } = form
      const text = JSON.stringify({ state, fields })
      if (typeof state !== 'string' || Object.keys(fields).length === 0) return
      if (text.length - state.length > LONGEST) return
      site.cookies.set(reply, site.cookies.posted, seal(text, site.cookies.posted), MAX_AGE)
    },

    take(request, reply, state) {
      const { posted } = site.cookies
      const sealed = readCookie(request.raw.headers.cookie, posted)
      if (sealed === null) return {}
      site.cookies.clear(reply, posted)
      const text = open(sealed, posted)
      const kept: unknown = text === null ? null : JSON.parse(text)
      if (!isObject(kept) || kept.state !== state || !isObject(kept.fields)) return {}
      return kept.fields as Record<string, string>
    },
  }
}
