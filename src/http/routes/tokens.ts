import { createRoute, z } from '@hono/zod-openapi'
import { METADATA_NAME, SCOPES, type Token } from '../../access.ts'
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
    defaults: z.record(z.string(), z.string()).openapi({
      description: 'Metadata that is added to its events, where it is missing',
    }),
    createdAt: z.iso.datetime(),
    lastUsedAt: time,
    expiresAt: time,
    revokedAt: time,
  })
  .openapi('Token')

/** Metadata such as ServerUrl and Cluster, so that nothing is typed into templates. */
const tokenDefaults = z
  .record(storable().regex(METADATA_NAME), storable().min(1).max(1_000))
  .refine((defaults) => Object.keys(defaults).length <= 32, 'has more than 32 names')

const newTokenSchema = z.strictObject({
  name: storable().trim().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['ingest']),
  providers: z.array(providerIdentifier).max(100).default([]),
  defaults: tokenDefaults.default({}),
  expiresAt: instant.nullish(),
})

/** Tokens: listed without their secrets, made (shown once), revoked for good. */
export function tokenRoutes({ db, now, onChange }: TokenDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/tokens',
        summary: 'All tokens, newest first, never their secrets',
        responses: { 200: json(z.object({ items: z.array(tokenSchema) }), 'Tokens'), ...problems },
      }),
      async (c) => c.json({ items: (await listTokens(db)).map(tokenView) }, 200),
    )
    .openapi(
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
    .openapi(
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
