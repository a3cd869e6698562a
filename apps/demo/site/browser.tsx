import { hydrateRoot } from 'react-dom/client'
import type { PageData } from './page-data.ts'
import { Site } from './site.tsx'

const root = document.getElementById('root')
const data = JSON.parse(document.getElementById('page')?.textContent ?? 'null') as PageData | null
if (root !== null && data !== null) hydrateRoot(root, <Site data={data} />)
