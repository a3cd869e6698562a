import type { ReactElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import type { PageData } from './page-data.ts'
import { Site } from './site.tsx'

const root = document.getElementById('root')
const page = document.getElementById('page')
const data = JSON.parse(page?.textContent ?? 'null') as PageData | null
// Who signs out later leaves nothing of it in the page.
page?.remove()
if (root !== null && data !== null) hydrateRoot(root, await pageOf(data))

async function pageOf(data: PageData): Promise<ReactElement> {
  if (data.page !== 'gallery') return <Site data={data} />
  // Apart: it has all languages, and the code of all examples.
  const { Gallery } = await import('./gallery/gallery.tsx')
  return <Gallery data={data} />
}
