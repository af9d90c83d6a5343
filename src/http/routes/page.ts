import { createApi } from '../api.ts'
import { PAGE_ROUTES } from '../guard.ts'
import type { Page } from '../page.ts'

export type PageDeps = { page: Page | null; version: string }

/** The page itself at each of its addresses, and its files. */
export function pageRoutes({ page, version }: PageDeps) {
  const api = createApi()
  api.get('/', (c) =>
    page
      ? page.index(c)
      : c.text(
          `Tempo server ${version}. The page is not built: npm run build. API: docs, openapi.json. Health: health.\n`,
        ),
  )
  for (const path of PAGE_ROUTES) {
    api.get(path, (c) => {
      const file = fileOf(path, c.req.param('file'))
      if (!page) return c.text('The page is not built: npm run build\n', 404)
      return file === null ? page.index(c) : page.file(c, file)
    })
  }
  return api
}

/** The file behind a path; null: the page itself, which finds its place by the address. */
function fileOf(path: string, name: string | undefined): string | null {
  if (path.startsWith('/assets/')) return `assets/${name}`
  return /\.\w+$/.test(path) ? path.slice(1) : null
}
