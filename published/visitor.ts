export interface Visitor {
  visit(url: string): Promise<Response>
}

/** A visitor with a cookie jar for one host, who does not follow redirects automatically. */
export function createVisitor(headers: Readonly<Record<string, string>> = {}): Visitor {
  const cookies = new Map<string, string>()
  return {
    async visit(url) {
      const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
      const response = await fetch(url, { headers: { ...headers, cookie }, redirect: 'manual' })
      for (const header of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
        if (value === '') cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
  }
}

/** Signs in as Ada Test through the hosted sign-in page and the emulator that its button leads to. */
export async function signIn(visitor: Visitor, origin: string): Promise<void> {
  const page = await visitor.visit(`${origin}/auth/sign-in`)
  const [, button] = /href="(\/auth\/bitbucket\/start[^"]*)"/.exec(await page.text()) ?? []
  const start = await visitor.visit(`${origin}${button}`)
  const consent = new URL(`${start.headers.get('location')}`)
  consent.searchParams.set('user', 'ada')
  const approved = await fetch(consent.origin + consent.pathname, {
    method: 'POST',
    body: consent.searchParams,
    redirect: 'manual',
  })
  await visitor.visit(`${approved.headers.get('location')}`)
}
