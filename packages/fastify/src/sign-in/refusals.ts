import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookie } from '../http/cookies.ts'
import { createSeal } from '../http/seal.ts'
import type { Settings } from '../settings.ts'

/**
 * Carries the application's sentence about a refused sign-in to the page that shows it. It uses a sealed cookie,
 * because anyone could write a link with a sentence of their own.
 */
export interface Refusals {
  keep(reply: FastifyReply, sentence: string): void
  /** Returns the sentence of this browser's last refused sign-in, or `null`. */
  read(request: FastifyRequest): string | null
}

/** How long the page can be reloaded, in seconds. */
const MAX_AGE = 10 * 60

export function createRefusals({ secrets, site }: Settings): Refusals {
  const { seal, open } = createSeal(secrets, 'refusal')
  return {
    keep(reply, sentence) {
      const { refusal } = site.cookies
      site.cookies.set(reply, refusal, seal(sentence, refusal), MAX_AGE)
    },
    read(request) {
      const { refusal } = site.cookies
      const sealed = readCookie(request.raw.headers.cookie, refusal)
      return sealed === null ? null : open(sealed, refusal)
    },
  }
}
