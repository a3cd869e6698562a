import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Starts a proxy to the server at `url` that adds `headers` to its responses. */
export async function startProxy(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(async (asked, answer) => {
    const { method, headers: sent } = asked
    const passedOn = asked.pipe(request(new URL(asked.url ?? '', url), { method, headers: sent }))
    const [answered] = (await once(passedOn, 'response')) as [IncomingMessage]
    answer.writeHead(answered.statusCode ?? 502, { ...answered.headers, ...headers })
    answered.pipe(answer)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}
