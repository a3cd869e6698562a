import { renderToString } from 'react-dom/server'
import type { PageData } from './page-data.ts'
import { Site, titleOf } from './site.tsx'

/** A page as HTML, on the server. */
export function render(data: PageData): { title: string; html: string } {
  return { title: titleOf(data), html: renderToString(<Site data={data} />) }
}
