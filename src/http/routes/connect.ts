import { createRoute, z } from '@hono/zod-openapi'
import { makeToken } from '../../auth/secret.ts'
import { buildProxmoxSetup } from '../../connect/proxmox.ts'
import type { Database } from '../../storage/database.ts'
import { insertToken } from '../../storage/tokens.ts'
import { createApi } from '../api.ts'
import { json, problems, storable } from '../parameters.ts'

export type ConnectDeps = { db: Database; now: () => Date; onChange: () => Promise<void> }

const line = () => storable().trim().max(2_000)
const connectionSchema = z.strictObject({
  name: line().openapi({ description: 'Of the target in Proxmox, and of the token', example: 'tempo' }),
  url: line().openapi({
    description: 'This server, as the node reaches it',
    example: 'http://tempo.lan:7776',
  }),
  ui: line().nullish().openapi({ description: 'Web interface of Proxmox, for links' }),
  cluster: storable().trim().max(255).nullish(),
  pveVersion: line().nullish().openapi({ description: 'Of the product; none: recent', example: '8.3' }),
  product: z.enum(['pve', 'pbs']).default('pve'),
})

const setupSchema = z
  .object({
    target: z.enum(['webhook', 'gotify']),
    provider: z.string(),
    defaults: z.record(z.string(), z.string()),
    commands: z.object({ create: z.string(), matcher: z.string(), test: z.string() }),
    form: z.object({
      place: z.string(),
      fields: z.array(z.object({ label: z.string(), value: z.string() })),
    }),
    notes: z.array(z.string()),
  })
  .openapi('ProxmoxSetup')

const answerSchema = z.object({ token: z.object({ id: z.uuid(), name: z.string() }), setup: setupSchema })

/** What a Proxmox is set up with: a token of its own, and lines to paste that hold it. */
export function connectRoutes({ db, now, onChange }: ConnectDeps) {
  return createApi().openapi(
    createRoute({
      method: 'post',
      path: '/connect',
      summary: 'Make a token for a Proxmox, and the lines that set it up; shown this once',
      request: { body: { required: true, content: { 'application/json': { schema: connectionSchema } } } },
      responses: { 201: json(answerSchema, 'The token’s name, and the lines that hold it'), ...problems },
    }),
    async (c) => {
      const { ui, cluster, pveVersion, ...rest } = c.req.valid('json')
      const connection = {
        ...rest,
        ui: ui ?? null,
        cluster: cluster ?? null,
        pveVersion: pveVersion ?? null,
      }
      // Before any token is made: what cannot be set up needs none.
      const { provider, defaults } = buildProxmoxSetup({ ...connection, token: 'token' })
      const wish = {
        name: connection.name,
        scopes: ['ingest' as const],
        providers: [provider],
        expiresAt: null,
        defaults,
      }
      const { secret, token } = makeToken(wish, now())
      const setup = buildProxmoxSetup({ ...connection, token: secret })
      await insertToken(db, token)
      await onChange()
      return c.json({ token: { id: token.id, name: token.name }, setup }, 201)
    },
  )
}
