import { and, desc, eq, isNull, or, sql } from 'drizzle-orm'
import type { Token } from '../access.ts'
import type { Database } from './database.ts'
import { tokens } from './schema.ts'

/** NOTIFY channel on which servers learn that tokens changed. */
export const TOKENS_CHANNEL = 'tempo_tokens'

const MAKE_ADMIN_LOCK = 7776_0002

function tokenOf(row: typeof tokens.$inferSelect): Token {
  return {
    ...row,
    scopes: row.scopes as Token['scopes'],
    hash: Buffer.from(row.hash),
    hmacSecret: row.hmacSecret && Buffer.from(row.hmacSecret),
  }
}

/** All tokens, newest first, revoked ones too. */
export async function listTokens(db: Database): Promise<Token[]> {
  return (await db.orm.select().from(tokens).orderBy(desc(tokens.id))).map(tokenOf)
}

export async function insertToken(db: Database, token: Token): Promise<void> {
  await db.orm.transaction(async (tx) => {
    await tx.insert(tokens).values(token)
    await tx.execute(sql`SELECT pg_notify(${TOKENS_CHANNEL}, '')`)
  })
}

/**
 * Stores the token unless a usable admin token exists; true when it was stored. Safe with many starters at once.
 * `keep` writes the secret down before the token counts: a token that nobody knows would keep a better one from being made.
 */
export async function insertFirstAdminToken(
  db: Database,
  token: Token,
  keep: () => Promise<void>,
): Promise<boolean> {
  return db.orm.transaction(async (tx) => {
    await tx.execute(sql`SELECT pg_advisory_xact_lock(${MAKE_ADMIN_LOCK}::bigint)`)
    const usable = await tx
      .select({ id: tokens.id })
      .from(tokens)
      .where(
        and(
          sql`'admin' = ANY (${tokens.scopes})`,
          isNull(tokens.revokedAt),
          or(isNull(tokens.expiresAt), sql`${tokens.expiresAt} > now()`),
        ),
      )
      .limit(1)
    if (usable.length > 0) return false
    await tx.insert(tokens).values(token)
    await tx.execute(sql`SELECT pg_notify(${TOKENS_CHANNEL}, '')`)
    await keep()
    return true
  })
}

/** Revokes a token for good; false when no such token is in force. */
export async function revokeToken(db: Database, id: string): Promise<boolean> {
  return db.orm.transaction(async (tx) => {
    const rows = await tx
      .update(tokens)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(tokens.id, id), isNull(tokens.revokedAt)))
      .returning({ id: tokens.id })
    await tx.execute(sql`SELECT pg_notify(${TOKENS_CHANNEL}, '')`)
    return rows.length > 0
  })
}

/** Notes when tokens were last used; an older time never replaces a newer one. */
export async function noteTokenUse(db: Database, uses: Map<string, Date>): Promise<void> {
  const rows = JSON.stringify(Array.from(uses, ([id, at]) => ({ id, at })))
  await db.read`
    UPDATE tokens t SET last_used_at = greatest(t.last_used_at, u.at)
    FROM json_to_recordset(${rows}::json) AS u(id uuid, at timestamptz) WHERE t.id = u.id`
}
