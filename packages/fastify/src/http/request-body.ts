import type { FastifyInstance, FastifyRequest } from 'fastify'

/** The longest body that any route takes, in bytes: as much as Node takes of a URL, for a `return_to`. */
const BODY_LIMIT = 16 * 1024

/**
 * Makes every route of a context read JSON objects and plain forms, and take an empty body with any
 * content type for an empty object. `request.body` is then always an object.
 */
export function readBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (request, body, done) => {
      const parsed = parse(request.headers['content-type'] ?? '', body as string)
      done(
        parsed === null ? Object.assign(new Error('unreadable body'), { statusCode: 400 }) : null,
        parsed,
      )
    },
  )
  app.addHook('preHandler', async (request) => {
    request.body ??= {}
  })
}

/** Whether a plain form was posted, which wants a page for an answer. */
export function isForm(request: FastifyRequest): boolean {
  return mediaType(request.headers['content-type'] ?? '') === FORM
}

const FORM = 'application/x-www-form-urlencoded'

function mediaType(contentType: string): string | undefined {
  return contentType.split(';', 1)[0]?.trim().toLowerCase()
}

function parse(contentType: string, body: string): Record<string, unknown> | null {
  if (body === '') return {}
  const type = mediaType(contentType)
  if (type === FORM) {
    return Object.fromEntries(new URLSearchParams(body))
  }
  if (type !== 'application/json') return null
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
