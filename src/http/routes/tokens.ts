import { createRoute, z } from '@hono/zod-openapi'
import { METADATA_NAME, SCOPES, type Token } from '../../access.ts'
import { PROXCENTER } from '../../adapters/proxcenter.ts'
import { makeToken } from '../../auth/secret.ts'
import { isSignatureRequired, makeSigningSecret } from '../../auth/signature.ts'
import type { Vault } from '../../auth/vault.ts'
import { notFound } from '../../errors.ts'
import { isWithinProvider } from '../../event.ts'
import type { Database } from '../../storage/database.ts'
import { insertToken, listTokens, revokeToken } from '../../storage/tokens.ts'
import { providerIdentifier } from '../../wire.ts'
import { createApi } from '../api.ts'
import { idParam, instant, json, notFoundProblem, problems, storable } from '../parameters.ts'

export type TokenDeps = { db: Database; vault: Vault; now: () => Date; onChange: () => Promise<void> }

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
    hmac: z.boolean().openapi({ description: 'It has a secret that signs bodies' }),
    hmacRequired: z.boolean().openapi({ description: 'The token alone is not enough' }),
    createdAt: z.iso.datetime(),
    lastUsedAt: time,
    expiresAt: time,
    revokedAt: time,
  })
  .openapi('Token')

const madeTokenSchema = tokenSchema.extend({
  token: z.string(),
  hmacSecret: z.string().optional().openapi({ description: 'What signs bodies, if asked for' }),
})

/** Metadata such as ServerUrl and Cluster, so that nothing is typed into templates. */
const tokenDefaults = z
  .record(storable().regex(METADATA_NAME), storable().min(1).max(1_000))
  .refine((defaults) => Object.keys(defaults).length <= 32, 'has more than 32 names')

const signingSecret = storable()
  .min(16)
  .max(200)
  .regex(/^\S(.*\S)?$/, 'must not begin or end with a blank')

const newTokenFields = z.strictObject({
  name: storable().trim().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['ingest']),
  providers: z.array(providerIdentifier).max(100).default([]),
  defaults: tokenDefaults.default({}),
  expiresAt: instant.nullish(),
  hmac: z.union([z.boolean(), signingSecret]).default(false).openapi({
    description: 'Gives it a secret that signs bodies: true for a new one, or the one chosen here',
  }),
  hmacRequired: z.boolean().default(false),
})

const newTokenSchema = newTokenFields.superRefine(({ hmac, hmacRequired, providers, scopes }, context) => {
  const problem = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message })
  if (hmacRequired && hmac === false) problem('hmacRequired', 'needs hmac: true, or a secret in hmac')
  if (hmac === false) return
  if (!providers.some((provider) => isWithinProvider(provider, PROXCENTER)))
    problem('hmac', `signs what comes from ProxCenter; add ${PROXCENTER} to providers`)
  if (scopes.some((scope) => scope !== 'ingest')) problem('hmac', 'goes with the scope ingest alone')
})

/** Tokens: listed without their secrets, made (shown once), revoked for good. */
export function tokenRoutes({ db, vault, now, onChange }: TokenDeps) {
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
        responses: { 201: json(madeTokenSchema, 'The token'), ...problems },
      }),
      async (c) => {
        const { expiresAt, hmac, hmacRequired: required, ...wish } = c.req.valid('json')
        const hmacSecret = hmac === true ? makeSigningSecret() : hmac || null
        const signing = hmacSecret === null ? undefined : { secret: hmacSecret, required, vault }
        const { secret, token } = makeToken({ ...wish, expiresAt: expiresAt ?? null, signing }, now())
        await insertToken(db, token)
        await onChange()
        return c.json({ ...tokenView(token), token: secret, ...(hmacSecret !== null && { hmacSecret }) }, 201)
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

function tokenView({ hash: _hash, hmacSecret, ...token }: Token) {
  return {
    ...token,
    hmac: hmacSecret !== null,
    hmacRequired: isSignatureRequired(hmacSecret),
    createdAt: token.createdAt.toISOString(),
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    expiresAt: token.expiresAt?.toISOString() ?? null,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  }
}
