import { renderToString } from 'react-dom/server'
import { Gallery } from './gallery/gallery.tsx'
import type { PageData } from './page-data.ts'
import { Site, titleOf } from './site.tsx'

/** Renders a page to HTML on the server. */
export function render(data: PageData): { title: string; html: string } {
  const page = data.page === 'gallery' ? <Gallery data={data} /> : <Site data={data} />
  return { title: titleOf(data), html: renderToString(page) }
}
