/** Troubles that are open until somebody says that they are over, as people read and close them. */
import type { Database, Queryable } from './database.ts'
import { episodesName } from './mark-episodes.ts'
import { lockNames } from './series.ts'

export const EPISODE_STATES = ['open', 'closed', 'all'] as const
export type EpisodeState = (typeof EPISODE_STATES)[number]

export type Episode = {
  id: string
  provider: string
  /** Of the latest failure, as are node, VMID and job. */
  title: string
  node: string | null
  vmid: string | null
  jobId: string | null
  openedAt: Date
  /** When the latest failure was; there has been silence since. */
  lastEventAt: Date
  count: number
  /** The latest failure and its stack; null when it is gone. */
  latestEventId: string | null
  stackId: string | null
  state: 'open' | 'closed'
  closedAt: Date | null
  /** `score`, or the name of who closed it. */
  closedBy: string | null
  reason: string | null
}

export type EpisodePosition = { at: Date; id: string }

/** Episodes, the latest failure first, after `position`. */
export async function listEpisodes(
  db: Database,
  state: EpisodeState,
  position: EpisodePosition | null,
  limit: number,
): Promise<Episode[]> {
  const sql = db.read
  return sql<Episode[]>`
    SELECT ${columns(sql)} FROM episodes e LEFT JOIN events v ON v.id = e.last_event_id
    WHERE e.event_count > 0
      ${state === 'open' ? sql`AND e.closed_at IS NULL` : sql``}
      ${state === 'closed' ? sql`AND e.closed_at IS NOT NULL` : sql``}
      ${position ? sql`AND (e.last_event_at, e.id) < (${position.at}, ${position.id}::uuid)` : sql``}
    ORDER BY e.last_event_at DESC, e.id DESC LIMIT ${limit}`
}

export async function isEpisodeOpen(db: Database, id: string): Promise<boolean> {
  const rows = await db.read`SELECT FROM episodes WHERE id = ${id} AND closed_at IS NULL`
  return rows.length > 0
}

/**
 * Closes an open episode; null when there is none of this id. Failures up to then belong to it also when they are told
 * later; one after it opens a new one.
 */
export async function closeEpisode(
  db: Database,
  id: string,
  { by, reason, at }: { by: string; reason: string; at: Date },
): Promise<Episode | null> {
  return db.read.begin(async (tx) => {
    const [found] = await tx<{ provider: string; node: string | null }[]>`
      SELECT provider, node FROM episodes WHERE id = ${id} AND closed_at IS NULL`
    if (!found) return null
    await lockNames(tx, [episodesName(found)])
    const closed = await tx`
      UPDATE episodes SET closed_at = greatest(${at}, last_event_at), closed_by = ${by}, close_reason = ${reason}
      WHERE id = ${id} AND closed_at IS NULL RETURNING id`
    if (closed.length === 0) return null
    const [episode] = await tx<Episode[]>`
      SELECT ${columns(tx)} FROM episodes e LEFT JOIN events v ON v.id = e.last_event_id WHERE e.id = ${id}`
    return episode ?? null
  })
}

function columns(sql: Queryable) {
  return sql`
    e.id, e.provider, e.title, e.node, e.vmid, e.job_id AS "jobId", e.opened_at AS "openedAt",
    e.last_event_at AS "lastEventAt", e.event_count AS count, v.id AS "latestEventId", v.stack_id AS "stackId",
    CASE WHEN e.closed_at IS NULL THEN 'open' ELSE 'closed' END AS state, e.closed_at AS "closedAt",
    e.closed_by AS "closedBy", e.close_reason AS reason`
}
