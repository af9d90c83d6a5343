import { v7 as uuidv7 } from 'uuid'
import type { JudgedEvent } from '../../src/event.ts'
import type { Database } from '../../src/storage/database.ts'
import { storeEvents } from '../../src/storage/store-events.ts'
import type { Accepted } from '../../src/wire.ts'
import { eventually } from './server.ts'

/** Resolves when so many transactions of this database wait for a lock, or more. */
export async function lockWaiters(db: Database, count: number): Promise<void> {
  await eventually(async () => {
    const [row] = await db.read<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    return row!.count >= count
  })
}

export type HeldStore = {
  commit: () => Promise<Accepted[]>
  /** Ends it as a deadline would; nothing of it is stored. */
  abort: () => Promise<void>
}

/**
 * Stores events in a transaction that stays open, all written, until it is told to end: its last step waits for an
 * Idempotency-Key that another transaction holds. `db` gives one connection of `write` and one of `read` to it.
 */
export async function storeHeld(db: Database, events: JudgedEvent[]): Promise<HeldStore> {
  const idempotency = { tokenId: uuidv7(), key: 'held' }
  const holder = await db.read.reserve()
  await holder`BEGIN`
  await holder`
    INSERT INTO idempotency (token_id, key, created_at, answer)
    VALUES (${idempotency.tokenId}, ${idempotency.key}, now(), '{}')`
  const [own] = await holder<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`
  const last = events.at(-1)!
  const stored = storeEvents(db, [...events.slice(0, -1), { ...last, idempotency }])
  stored.catch(() => {})
  const waiter = await eventually(async () => {
    const rows = await db.read<{ pid: number }[]>`
      SELECT pid FROM pg_stat_activity WHERE ${own!.pid}::int = ANY (pg_blocking_pids(pid))`
    return rows[0]
  })
  const release = async () => {
    await holder`ROLLBACK`
    holder.release()
  }
  return {
    commit: async () => {
      await release()
      return stored
    },
    abort: async () => {
      await db.read`SELECT pg_cancel_backend(${waiter.pid}::int)`
      await stored.catch(() => {})
      await release()
    },
  }
}
