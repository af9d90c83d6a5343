import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createApi } from '../api.ts'

const FILES = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['start.js', 'text/javascript; charset=utf-8'],
])

/** Served by this server alone, so that it works without the internet. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tempo server API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null })\n`

/** The OpenAPI document as a page to read and to try. */
export function docsRoutes() {
  const api = createApi()
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

  api.get('/docs', (c) => {
    c.header('Content-Security-Policy', POLICY)
    return c.html(PAGE)
  })

  api.get('/docs/:file', async (c) => {
    const name = c.req.param('file')
    const type = FILES.get(name)
    if (!type) return c.notFound()
    const content = name === 'start.js' ? START : await readFile(join(folder, name))
    return c.body(content, 200, { 'Content-Type': type, 'Cache-Control': 'max-age=3600' })
  })

  return api
}
