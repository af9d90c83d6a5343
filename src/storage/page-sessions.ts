import type { Database } from './database.ts'

type Row = { hash: Uint8Array; tokenId: string; createdAt: Date; expiresAt: Date }

/** Keeps a session of the page, and drops those whose time is over. */
export async function insertPageSession(db: Database, row: Row): Promise<void> {
  await db.read`
    WITH over AS (DELETE FROM page_sessions WHERE expires_at < ${row.createdAt})
    INSERT INTO page_sessions (hash, token_id, created_at, expires_at)
    VALUES (${row.hash}, ${row.tokenId}, ${row.createdAt}, ${row.expiresAt})`
}

export async function findPageSession(db: Database, hash: Uint8Array): Promise<Row | null> {
  const [row] = await db.read<Row[]>`
    SELECT hash, token_id AS "tokenId", created_at AS "createdAt", expires_at AS "expiresAt"
    FROM page_sessions WHERE hash = ${hash}`
  return row ?? null
}

export async function removePageSession(db: Database, hash: Uint8Array): Promise<void> {
  await db.read`DELETE FROM page_sessions WHERE hash = ${hash}`
}
