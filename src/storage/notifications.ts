import type { NotificationKind, Result } from '../channel.ts'
import type { Database } from './database.ts'

/** A try to send a message, with what it was about. */
export type Attempt = {
  id: string
  messageId: string
  at: Date
  durationMs: number
  result: Result
  status: number | null
  request: string
  answer: string
  kind: NotificationKind
  title: string
  because: string | null
  events: number
  /** Of the message now: open, sent or failed. */
  state: string
  nextTryAt: Date | null
}

/** Tries of a channel, the newest first, before the one with the id `before`. */
export async function listAttempts(
  db: Database,
  channelId: string,
  before: string | null,
  limit: number,
): Promise<Attempt[]> {
  const sql = db.read
  return sql<Attempt[]>`
    SELECT a.id, a.message_id AS "messageId", a.at, a.duration_ms AS "durationMs", a.result, a.status, a.request, a.answer,
           m.kind, m.title, m.because, m.events, m.state,
           CASE WHEN m.state = 'open' THEN m.next_try_at END AS "nextTryAt"
    FROM attempts a JOIN messages m ON m.id = a.message_id
    WHERE a.channel_id = ${channelId} ${before === null ? sql`` : sql`AND a.id < ${before}`}
    ORDER BY a.id DESC LIMIT ${limit}`
}

/** A message that was sent by hand, and how that ended: the test of a channel. */
export async function recordTest(
  db: Database,
  channelId: string,
  message: { id: string; title: string; severity: number },
  attempt: Pick<Attempt, 'id' | 'at' | 'durationMs' | 'result' | 'status' | 'request' | 'answer'>,
): Promise<void> {
  const { at, durationMs, result, status, request, answer } = attempt
  const state = result === 'sent' ? 'sent' : 'failed'
  await db.read.begin(async (tx) => {
    await tx`
      INSERT INTO messages (id, channel_id, kind, because, title, severity, events, created_at, state, tries, next_try_at,
                            finished_at)
      VALUES (${message.id}, ${channelId}, 'test', NULL, ${message.title}, ${message.severity}, 1, ${at}, ${state}, 1,
              ${at}, ${at})`
    await tx`
      INSERT INTO attempts (id, message_id, channel_id, at, duration_ms, result, status, request, answer)
      VALUES (${attempt.id}, ${message.id}, ${channelId}, ${at}, ${durationMs}, ${result}, ${status}, ${request}, ${answer})`
  })
}

/** What became of an event on a channel. */
export type Telling = {
  channelId: string
  state: 'waiting' | 'taken' | 'held'
  occasion: string
  reason: string | null
  dueAt: Date
  messageId: string | null
  messageState: string | null
  finishedAt: Date | null
  nextTryAt: Date | null
}

/** The rows of an event in the outbox, and what an update by externalID may need: who wrote it last, and its role. */
export async function findTellings(
  db: Database,
  eventId: string,
): Promise<{ role: string | null; tellings: Telling[] } | null> {
  const sql = db.read
  const [event] = await sql<{ role: string | null; causes: string[] }[]>`
    SELECT session_role AS role, array_remove(ARRAY[id, written_by], NULL)::text[] AS causes
    FROM events WHERE id = ${eventId}`
  if (!event) return null
  const tellings = await sql<Telling[]>`
    SELECT o.channel_id AS "channelId", o.state, o.occasion, o.reason, o.due_at AS "dueAt", o.message_id AS "messageId",
           m.state AS "messageState", m.finished_at AS "finishedAt", m.next_try_at AS "nextTryAt"
    FROM channels c
    JOIN outbox o ON o.channel_id = c.id
      AND o.cause IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(event.causes)}::json))
    LEFT JOIN messages m ON m.id = o.message_id
    ORDER BY c.name, o.created_at`
  return { role: event.role, tellings }
}
