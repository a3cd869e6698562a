import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * The longest accepted body, in bytes. It equals Node's limit for a URL, because both may contain a
 * `return_to`.
 */
const BODY_LIMIT = 16 * 1024

/**
 * Makes every route of a context accept JSON objects and plain forms, and treat an empty body with
 * any content type as an empty object. After this, `request.body` is always an object.
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

/** Whether a plain form was posted. Its response must be a page. */
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
