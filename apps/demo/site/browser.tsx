import type { ReactElement } from 'react'
import { hydrateRoot } from 'react-dom/client'
import type { PageData } from './page-data.ts'
import { Site } from './site.tsx'

const root = document.getElementById('root')
const page = document.getElementById('page')
const data = JSON.parse(page?.textContent ?? 'null') as PageData | null
// Remove the data, so that none of it stays in the page after a later sign-out.
page?.remove()
if (root !== null && data !== null) hydrateRoot(root, await pageOf(data))

async function pageOf(data: PageData): Promise<ReactElement> {
  if (data.page !== 'gallery') return <Site data={data} />
  // Load the gallery separately: it contains all languages and the code of all examples.
  const { Gallery } = await import('./gallery/gallery.tsx')
  return <Gallery data={data} />
}
