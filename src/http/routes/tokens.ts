import { createRoute, z } from '@hono/zod-openapi'
import { SCOPES, type Token } from '../../access.ts'
import { makeToken } from '../../auth/secret.ts'
import { notFound } from '../../errors.ts'
import type { Database } from '../../storage/database.ts'
import { insertToken, listTokens, revokeToken } from '../../storage/tokens.ts'
import { providerIdentifier } from '../../wire.ts'
import { createApi } from '../api.ts'
import { idParam, instant, json, notFoundProblem, problems, storable } from '../parameters.ts'

export type TokenDeps = { db: Database; now: () => Date; onChange: () => Promise<void> }

const time = z.iso.datetime().nullable()
const tokenSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    prefix: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    providers: z.array(z.string()).openapi({ description: 'Empty: any provider' }),
    createdAt: z.iso.datetime(),
    lastUsedAt: time,
    expiresAt: time,
    revokedAt: time,
  })
  .openapi('Token')

const newTokenSchema = z.strictObject({
  name: storable().trim().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['ingest']),
  providers: z.array(providerIdentifier).max(100).default([]),
  expiresAt: instant.nullish(),
})

/** Tokens: listed without their secrets, made (shown once), revoked for good. */
export function tokenRoutes({ db, now, onChange }: TokenDeps) {
  const api = createApi()

  api.openapi(
    createRoute({
      method: 'get',
      path: '/tokens',
      summary: 'All tokens, newest first, never their secrets',
      responses: { 200: json(z.object({ items: z.array(tokenSchema) }), 'Tokens'), ...problems },
    }),
    async (c) => c.json({ items: (await listTokens(db)).map(tokenView) }, 200),
  )

  api.openapi(
    createRoute({
      method: 'post',
      path: '/tokens',
      summary: 'Make a token; the answer is the only place that ever shows it',
      request: { body: { required: true, content: { 'application/json': { schema: newTokenSchema } } } },
      responses: { 201: json(tokenSchema.extend({ token: z.string() }), 'The token'), ...problems },
    }),
    async (c) => {
      const { expiresAt, ...wish } = c.req.valid('json')
      const { secret, token } = makeToken({ ...wish, expiresAt: expiresAt ?? null }, now())
      await insertToken(db, token)
      await onChange()
      return c.json({ ...tokenView(token), token: secret }, 201)
    },
  )

  api.openapi(
    createRoute({
      method: 'delete',
      path: '/tokens/{id}',
      summary: 'Revoke a token for good',
      request: { params: idParam },
      responses: { 204: { description: 'Revoked' }, ...problems, ...notFoundProblem },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const revoked = await revokeToken(db, id)
      await onChange()
      if (!revoked) throw notFound(`A token ${id} in force`)
      return c.body(null, 204)
    },
  )

  return api
}

function tokenView({ hash: _hash, ...token }: Token) {
  return {
    ...token,
    createdAt: token.createdAt.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    expiresAt: token.expiresAt?.toISOString() ?? null,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  }
}
