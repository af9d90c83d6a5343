import { desc, eq, lt } from 'drizzle-orm'
import type { QuarantinedBody } from '../access.ts'
import type { Database } from './database.ts'
import { quarantine } from './schema.ts'

export type QuarantineBounds = { rows: number; bytes: number }

const { body: _body, ...head } = {
  id: quarantine.id,
  receivedAt: quarantine.receivedAt,
  path: quarantine.path,
  address: quarantine.address,
  contentType: quarantine.contentType,
  tokenId: quarantine.tokenId,
  tokenName: quarantine.tokenName,
  providers: quarantine.providers,
  defaults: quarantine.defaults,
  bytes: quarantine.bytes,
  problem: quarantine.problem,
  body: quarantine.body,
}

/** Keeps a refused body, once, and drops the oldest beyond the bounds. */
export async function keepBody(
  db: Database,
  entry: QuarantinedBody,
  bounds: QuarantineBounds,
): Promise<void> {
  const { id, receivedAt, path, address, contentType, tokenId, tokenName, body, bytes } = entry
  await db.write`
    INSERT INTO quarantine (id, received_at, path, address, content_type, token_id, token_name, providers, body, bytes,
                            problem, defaults)
    SELECT ${id}, ${receivedAt}, ${path}, ${address}, ${contentType}, ${tokenId}, ${tokenName},
           ARRAY(SELECT json_array_elements_text(${JSON.stringify(entry.providers)}::json)), ${Buffer.from(body)}, ${bytes},
           ${JSON.stringify(entry.problem)}::jsonb, ${JSON.stringify(entry.defaults ?? {})}::json
    ON CONFLICT (id) DO NOTHING`
  await db.write`
    DELETE FROM quarantine WHERE id IN (
      SELECT id FROM (
        SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS total
        FROM quarantine WINDOW newest AS (ORDER BY id DESC)) q
      WHERE place > ${bounds.rows} OR total > ${bounds.bytes})`
}

/** Refused bodies, newest first and without the bodies; `before` is the id of the last one seen. */
export async function listQuarantine(
  db: Database,
  before: string | undefined,
  limit: number,
): Promise<Omit<QuarantinedBody, 'body'>[]> {
  return db.orm
    .select(head)
    .from(quarantine)
    .where(before ? lt(quarantine.id, before) : undefined)
    .orderBy(desc(quarantine.id))
    .limit(limit)
}

export async function findQuarantined(db: Database, id: string): Promise<QuarantinedBody | null> {
  const [row] = await db.orm.select().from(quarantine).where(eq(quarantine.id, id))
  return row ?? null
}

/** Takes a body out of quarantine; false when it is not there any more. */
export async function discardQuarantined(db: Database, id: string): Promise<boolean> {
  const rows = await db.orm.delete(quarantine).where(eq(quarantine.id, id)).returning({ id: quarantine.id })
  return rows.length > 0
}
