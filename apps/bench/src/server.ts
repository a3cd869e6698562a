import { makePeople, type Place, type Visitor } from './contenders/contender.ts'
import { latchkeyApp, openStore, type StoreKind } from './contenders/latchkey.ts'
import { contenders, signInContenders } from './contenders.ts'
import { obey } from './processes.ts'
import { listen, usage } from './serving.ts'

const orders = {
  ...usage,

  /** Builds a contender, signs this many people in, and listens. */
  async serve(
    name: string,
    people: number,
    place: Place,
  ): Promise<{ port: number; visitors: readonly Visitor[] }> {
    const contender = contenders[name]
    if (contender === undefined) throw new Error(`The contender ${name} is unknown.`)
    const { app, visitors } = await contender.build(makePeople(people), place)
    return { port: await listen(app), visitors }
  },

  /** Builds a contender that signs in with the provider on this port, and listens. */
  async serveSignIn(name: string, provider: number, place: Place): Promise<number> {
    const contender = signInContenders[name]
    if (contender === undefined) throw new Error(`The contender ${name} is unknown.`)
    return listen(await contender.build(`http://127.0.0.1:${provider}`, place))
  },

  /** Serves the sessions of a Latchkey store. `POST /revoke/:id` revokes one. */
  async serveStore(kind: StoreKind, place: Place): Promise<number> {
    const app = await latchkeyApp(openStore(kind, place))
    app.post<{ Params: { id: string } }>('/revoke/:id', async (request) => {
      await app.latchkey.sessions.revoke(request.params.id)
      return {}
    })
    return listen(app)
  },
}

export type Server = typeof orders

obey(orders)
