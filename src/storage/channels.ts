import { CHANNEL_TYPES, type Silence, type StoredChannel } from '../channel.ts'
import type { Database, Queryable, Tx } from './database.ts'

/** NOTIFY channel on which servers learn that channels or silences changed. */
export const CHANNELS_CHANNEL = 'tempo_channels'

/** What became of a channel's last messages. */
export type ChannelState = {
  channelId: string
  failures: number
  failingSince: Date | null
  lastSentAt: Date | null
  lastAnswer: string | null
  /** Events that wait, 10,000 at the most. */
  waiting: number
  /** When the message that could not be sent is tried again. */
  nextTryAt: Date | null
}

const MOST_COUNTED = 10_000

/** All channels, by name. */
export async function listChannels(db: Database): Promise<StoredChannel[]> {
  const rows = await db.read<StoredChannel[]>`
    SELECT id, name, type, enabled, settings, secrets, managed_by AS "managedBy", created_at AS "createdAt",
           updated_at AS "updatedAt"
    FROM channels ORDER BY name, id`
  return rows.filter(({ type }) => CHANNEL_TYPES.includes(type))
}

export async function listChannelStates(db: Database): Promise<ChannelState[]> {
  return db.read<ChannelState[]>`
    SELECT c.id AS "channelId", coalesce(s.failures, 0) AS failures, s.failing_since AS "failingSince",
           s.last_sent_at AS "lastSentAt", s.last_answer AS "lastAnswer",
           (SELECT count(*)::int FROM (SELECT FROM outbox o WHERE o.channel_id = c.id AND o.state = 'waiting'
                                       LIMIT ${MOST_COUNTED}) w) AS waiting,
           (SELECT next_try_at FROM messages m WHERE m.channel_id = c.id AND m.state = 'open' AND m.tries > 0
            ORDER BY m.id LIMIT 1) AS "nextTryAt"
    FROM channels c LEFT JOIN channel_states s ON s.channel_id = c.id`
}

const announce = (sql: Queryable) => sql`SELECT pg_notify(${CHANNELS_CHANNEL}, '')`

function upsert(sql: Queryable, row: StoredChannel) {
  return sql`
    INSERT INTO channels (id, name, type, enabled, settings, secrets, managed_by, created_at, updated_at)
    VALUES (${row.id}, ${row.name}, ${row.type}, ${row.enabled}, ${JSON.stringify(row.settings)}::json, ${row.secrets},
            ${row.managedBy}, ${row.createdAt}, ${row.updatedAt})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, type = excluded.type, enabled = excluded.enabled,
      settings = excluded.settings, secrets = excluded.secrets, managed_by = excluded.managed_by,
      updated_at = excluded.updated_at`
}

/** Holds the states first, as who sends does, so that neither waits for the other in a circle. */
async function remove(tx: Tx, ids: string[]): Promise<string[]> {
  await tx`SELECT FROM channel_states WHERE channel_id = ANY (${ids}::uuid[]) ORDER BY channel_id FOR UPDATE`
  const gone = await tx<{ id: string }[]>`DELETE FROM channels WHERE id = ANY (${ids}::uuid[]) RETURNING id`
  await tx`DELETE FROM outbox WHERE channel_id = ANY (${ids}::uuid[])`
  return gone.map(({ id }) => id)
}

/** Writes a new channel, or one with the same id anew; false when another one has the name. */
export async function saveChannel(db: Database, row: StoredChannel): Promise<boolean> {
  return saveChannels(db, [row], [])
}

/** Writes some channels and removes others, all at once or nothing; false when a name is taken. */
export async function saveChannels(db: Database, rows: StoredChannel[], removed: string[]): Promise<boolean> {
  try {
    await db.read.begin(async (tx) => {
      if (removed.length > 0) await remove(tx, removed)
      for (const row of rows) await upsert(tx, row)
      await announce(tx)
    })
    return true
  } catch (error) {
    if ((error as { constraint_name?: string }).constraint_name === 'channels_name') return false
    throw error
  }
}

/** Removes a channel with its history; false when there is none. */
export async function deleteChannel(db: Database, id: string): Promise<boolean> {
  return db.read.begin(async (tx) => {
    const rows = await remove(tx, [id])
    await announce(tx)
    return rows.length > 0
  })
}

/** Silences that are not over for longer than a month, the latest end first. */
export async function listSilences(db: Database): Promise<Silence[]> {
  return db.read<Silence[]>`
    SELECT id, reason, from_at AS "from", to_at AS "to", channels, providers, nodes, vmids, match,
           created_by AS "createdBy", created_at AS "createdAt"
    FROM silences ORDER BY to_at DESC, id`
}

export async function insertSilence(db: Database, silence: Silence): Promise<void> {
  await db.read.begin(async (tx) => {
    await tx`
      INSERT INTO silences (id, reason, from_at, to_at, channels, providers, nodes, vmids, match, created_by, created_at)
      VALUES (${silence.id}, ${silence.reason}, ${silence.from}, ${silence.to}, ${silence.channels}::uuid[],
              ${silence.providers}::text[], ${silence.nodes}::text[], ${silence.vmids}::text[],
              ${JSON.stringify(silence.match)}::json, ${silence.createdBy}, ${silence.createdAt})`
    await announce(tx)
  })
}

/** Ends a silence at `at`; false when there is none that is not over. */
export async function endSilence(db: Database, id: string, at: Date): Promise<boolean> {
  return db.read.begin(async (tx) => {
    const rows = await tx`
      UPDATE silences SET from_at = least(from_at, ${at}), to_at = ${at} WHERE id = ${id} AND to_at > ${at} RETURNING id`
    await announce(tx)
    return rows.length > 0
  })
}
