import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env } from './guard.ts'

const PUBLIC = new Set(['/health'])

/** Where the document is served, and the root of the server seen from there, whatever path a proxy adds. */
const DOCUMENTS = [
  ['/openapi.json', '.'],
  ['/api/v1/openapi.json', '../..'],
] as const

/** Serves the OpenAPI document, made from the schemas that the routes check requests with. */
export function describeApi(app: OpenAPIHono<Env>, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Tempo-Token',
    description: 'Or as Authorization: Bearer TOKEN. Reading needs the scope read, changes need admin.',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })

  for (const [path, root] of DOCUMENTS) {
    let text: string | null = null
    app.get(path, (c) => {
      text ??= JSON.stringify(makeDocument(app, version, root))
      return c.body(text, 200, { 'Content-Type': 'application/json' })
    })
  }
}

function makeDocument(app: OpenAPIHono<Env>, version: string, root: string) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tempo server',
      version,
      description: 'Receives notifications of Proxmox and others and shows them as a timeline.',
      license: { name: 'MIT' },
    },
    servers: [{ url: root }],
    security: [{ token: [] }, { bearer: [] }],
  })
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    if (PUBLIC.has(path)) for (const operation of Object.values(item ?? {})) operation.security = []
  }
  return document
}
