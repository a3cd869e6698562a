import type { Answer } from './openid-provider.ts'

/**
 * Chooses a person or Cancel on the consent page of the provider emulator.
 * @returns the path and query of the callback, or the fields of the form that is posted to it
 */
export async function consentAt(
  authorizeUrl: string,
  press: { user: string } | { decision: 'deny' },
): Promise<Answer> {
  const page = await (await fetch(authorizeUrl)).text()
  const [, action = ''] = /<form [^>]*action="([^"]*)"/.exec(page) ?? []
  const body = new URLSearchParams({ ...fieldsOf(page), ...press })
  const answer = await fetch(new URL(action, authorizeUrl), {
    method: 'POST',
    body,
    redirect: 'manual',
  })
  const location = answer.headers.get('location')
  if (location !== null) return { path: pathOf(location), form: null }
  const text = await answer.text()
  const [, callback] = /<form [^>]*action="(http[^"]*)"/.exec(text) ?? []
  if (callback === undefined) throw new Error(`The consent page responded with ${answer.status}`)
  return { path: pathOf(callback), form: fieldsOf(text) }
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

function fieldsOf(page: string): Record<string, string> {
  const fields = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  const decoded = (text = ''): string =>
    text.replace(/&#(\d+);/g, (_match, code) => String.fromCharCode(Number(code)))
  return Object.fromEntries([...fields].map(([, name, value]) => [decoded(name), decoded(value)]))
}
