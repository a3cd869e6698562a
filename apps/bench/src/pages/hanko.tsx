import { register } from '@teamhanko/hanko-elements'
import { useEffect, useState } from 'react'

/** https://docs.hanko.io/quickstarts/frontend/react */
const registered = register('https://example.hanko.io')

export function Page() {
  const [name, setName] = useState<string>()
  useEffect(() => {
    registered.then(async ({ hanko }) => setName((await hanko.getUser()).name))
  }, [])
  return name === undefined ? <hanko-auth /> : <p>{name}</p>
}
