import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env } from './guard.ts'

const PUBLIC = new Set(['/health'])

/** Serves the OpenAPI document, made from the schemas that the routes check requests with. */
export function describeApi(app: OpenAPIHono<Env>, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'apiKey',
    in: 'header',
    name: 'X-Tempo-Token',
    description: 'Or as Authorization: Bearer TOKEN. Reading needs the scope read, changes need admin.',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })

  let text: string | null = null
  const document = () => {
    text ??= JSON.stringify(makeDocument(app, version))
    return text
  }
  for (const path of ['/openapi.json', '/api/v1/openapi.json']) {
    app.get(path, (c) => c.body(document(), 200, { 'Content-Type': 'application/json' }))
  }
}

function makeDocument(app: OpenAPIHono<Env>, version: string) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tempo server',
      version,
      description: 'Receives notifications of Proxmox and others and shows them as a timeline.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '.' }],
    security: [{ token: [] }, { bearer: [] }],
  })
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    if (PUBLIC.has(path)) for (const operation of Object.values(item ?? {})) operation.security = []
  }
  return document
}
