import { type Answer, json } from '@latchkey/bitbucket-emulator/building-blocks'
import type { Consent } from './consents.ts'
import type { EmulatedPerson, EmulatedResponse } from './person.ts'
import type { SheetStep } from './sheet.ts'

/**
 * Returns the known answer to a request of a sheet's step.
 * @param url The request's URL at the provider
 */
export function answerStep({ double, person }: Consent, method: string, url: string): Answer {
  const earlier: Record<string, unknown> = {}
  for (const [name, step] of Object.entries(double.sheet.steps)) {
    const expected = urlOf(step, earlier)
    if (expected === url && (step.method ?? 'GET') === method) return answerOf(person, name)
    earlier[name] = whatIsRead(person.responses?.[name], step)
  }
  return json(404, {
    error: 'not_emulated',
    error_description: `The sheet does not request ${url}.`,
  })
}

/** Returns a step's URL, or `null` if it cannot be built from the answers about this person. */
function urlOf({ url }: SheetStep, earlier: Readonly<Record<string, unknown>>): string | null {
  if (typeof url === 'string') return url
  try {
    return url(earlier)
  } catch {
    return null
  }
}

function answerOf({ title, responses = {} }: EmulatedPerson, step: string): Answer {
  const response = responses[step]
  if (response === undefined) {
    const description = `The person "${title}" has no response for the step \`${step}\`.`
    return json(501, { error: 'not_emulated', error_description: description })
  }
  const { status = 200, headers = {}, body = '' } = response
  if (typeof body !== 'string') return json(status, body, headers)
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

/** Returns what the sheet's later steps get to see of a response. */
function whatIsRead(response: EmulatedResponse | undefined, { read }: SheetStep): unknown {
  if (typeof read === 'object') return response?.headers?.[read.header] ?? ''
  if (read === 'list') return { rows: response?.body ?? [], complete: true }
  return response?.body
}
