import { hash } from 'node:crypto'
import type { Database } from './database.ts'
import type { Snapshot } from './snapshot.ts'

/** Key of the advisory lock that lets one server do this at a time; any constant would do. */
const RETENTION_LOCK = 7776_0005
/** Days after which the place of a rule that is not in the policy any more is forgotten. */
const FORGET_DAYS = 30

/** Up to where a rule was carried out: all that was due at `at`, of what `snapshot` shows. */
export type Progress = { at: Date; snapshot: Snapshot }

/** One name for the same rule; another age or scope is another rule, and begins anew. */
export function ruleName(rule: unknown): string {
  return hash('sha256', JSON.stringify(rule))
}

/** Does the work while no other server does; false when one does. */
export async function alone(db: Database, work: () => Promise<void>): Promise<boolean> {
  const holder = await db.read.reserve()
  try {
    const [row] = await holder<
      { got: boolean }[]
    >`SELECT pg_try_advisory_lock(${RETENTION_LOCK}::bigint) AS got`
    if (!row!.got) return false
    try {
      await work()
    } finally {
      // With a broken connection the lock is gone, too.
      await holder`SELECT pg_advisory_unlock(${RETENTION_LOCK}::bigint)`.catch(() => {})
    }
    return true
  } finally {
    holder.release()
  }
}

export async function readSnapshot(db: Database): Promise<Snapshot> {
  const [row] = await db.read<{ snapshot: string }[]>`SELECT pg_current_snapshot()::text AS snapshot`
  return row!.snapshot
}

/** Null: never, or only in a database that this one was restored from and that was ahead of it. */
export async function readProgress(db: Database, name: string): Promise<Progress | null> {
  const [row] = await db.read<Progress[]>`
    SELECT at, snapshot FROM retention_progress
    WHERE name = ${name} AND pg_snapshot_xmax(snapshot::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())`
  return row ?? null
}

export async function saveProgress(db: Database, name: string, { at, snapshot }: Progress): Promise<void> {
  await db.read`
    INSERT INTO retention_progress (name, at, snapshot, saved_at) VALUES (${name}, ${at}, ${snapshot}, now())
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, snapshot = excluded.snapshot, saved_at = now()`
  await db.read`
    DELETE FROM retention_progress WHERE saved_at < now() - make_interval(days => ${FORGET_DAYS}::int)`
}
