import type { ChannelType, Exchange, NotificationKind } from '../channel.ts'
import { type JudgedEvent, type Occasion, severityRank } from '../event.ts'
import { newId } from '../new-id.ts'
import type { Accepted } from '../wire.ts'
import type { Database, Tx } from './database.ts'
import { LOCKED } from './series.ts'

/** Told channels, in the transaction of their events. The statement has been sent when this returns. */
export function insertOutbox(
  tx: Tx,
  events: JudgedEvent[],
  answers: Map<JudgedEvent, Accepted>,
): Promise<unknown> {
  const rows = events.flatMap((event) => {
    const { id: eventId, stackId } = answers.get(event)!
    const { id: cause, receivedAt: createdAt } = event
    const severity = severityRank(event.severity)
    return (event.tell ?? []).map((told) => ({ ...told, cause, eventId, stackId, severity, createdAt }))
  })
  if (rows.length === 0) return Promise.resolve()
  return tx`
    INSERT INTO outbox (channel_id, cause, event_id, stack_id, occasion, severity, created_at, due_at)
    SELECT "channelId", cause, "eventId", "stackId", occasion, severity, "createdAt", "createdAt"
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r(
      "channelId" uuid, cause uuid, "eventId" uuid, "stackId" uuid, occasion text, severity smallint,
      "createdAt" timestamptz)
    WHERE ${tx.unsafe(LOCKED)}
    ON CONFLICT DO NOTHING`.execute()
}

/** Tells the channels of one type that a person acknowledged, or dismissed, stacks that they know to be in trouble. */
export async function tellTriage(
  tx: Tx,
  type: ChannelType,
  verb: 'ack' | 'dismiss',
  stackIds: string[],
): Promise<void> {
  const isDone = verb === 'ack' ? tx`s.acked_at IS NOT NULL` : tx`s.dismissed_at IS NOT NULL`
  const rows = await tx<(NewRow & { at: Date })[]>`
    SELECT k.channel_id AS "channelId", k.stack_id AS "stackId", s.latest_event_id AS "eventId", k.severity,
           ${verb === 'ack' ? 'acknowledged' : 'resolved'} AS occasion, NULL AS reason, now() AS at
    FROM json_array_elements_text(${JSON.stringify(stackIds)}::json) AS q(id)
    JOIN channel_stacks k ON k.stack_id = q.id::uuid AND k.is_open
    JOIN channels c ON c.id = k.channel_id AND c.enabled AND c.type = ${type}
    JOIN stacks s ON s.id = k.stack_id AND ${isDone}`
  if (rows.length > 0) await addToOutbox(tx, rows, rows[0]!.at)
}

type NewRow = {
  channelId: string
  eventId: string
  stackId: string
  occasion: Occasion
  severity: number
  reason: string | null
}

async function addToOutbox(tx: Tx, rows: NewRow[], at: Date): Promise<void> {
  if (rows.length === 0) return
  const parameter = JSON.stringify(rows.map((row) => ({ ...row, cause: newId() })))
  await tx`
    INSERT INTO outbox (channel_id, cause, event_id, stack_id, occasion, severity, created_at, due_at, reason)
    SELECT "channelId", cause, "eventId", "stackId", occasion, severity, ${at}, ${at}, reason
    FROM json_to_recordset(${parameter}::json) AS r(
      "channelId" uuid, cause uuid, "eventId" uuid, "stackId" uuid, occasion text, severity smallint, reason text)`
}

/** What a look at a channel needs to know whether there is something to do. */
export type ChannelHead = {
  channelId: string
  /** When the last message was put together. */
  formedAt: Date | null
  failures: number
  /** When the message that is not sent yet is tried. */
  nextTryAt: Date | null
  /** Since when the first event may be told. */
  dueAt: Date | null
  /** Something critical may be told. */
  hasCritical: boolean
  remindAt: Date | null
}

/** The heads of all channels that are switched on and that no server works on. */
export async function readHeads(db: Database, now: Date): Promise<ChannelHead[]> {
  return db.read<ChannelHead[]>`
    SELECT c.id AS "channelId", s.formed_at AS "formedAt", coalesce(s.failures, 0) AS failures,
      (SELECT next_try_at FROM messages m WHERE m.channel_id = c.id AND m.state = 'open' ORDER BY m.id LIMIT 1)
        AS "nextTryAt",
      (SELECT due_at FROM outbox o WHERE o.channel_id = c.id AND o.state = 'waiting' ORDER BY o.due_at LIMIT 1)
        AS "dueAt",
      EXISTS (SELECT FROM outbox o WHERE o.channel_id = c.id AND o.state = 'waiting' AND o.due_at <= ${now}
              AND o.severity >= ${severityRank('critical')}) AS "hasCritical",
      (SELECT remind_at FROM channel_stacks k WHERE k.channel_id = c.id AND k.remind_at IS NOT NULL
       ORDER BY k.remind_at LIMIT 1) AS "remindAt"
    FROM channels c LEFT JOIN channel_states s ON s.channel_id = c.id
    WHERE c.enabled AND (s.lease_until IS NULL OR s.lease_until < now())`
}

/** Takes a channel for some time by the clock of the database; false when another server has it. */
export async function takeLease(
  db: Database,
  channelId: string,
  leaseId: string,
  ms: number,
): Promise<boolean> {
  const rows = await db.read`
    INSERT INTO channel_states AS s (channel_id, lease_id, lease_until)
    SELECT id, ${leaseId}, now() + make_interval(secs => ${ms / 1000}) FROM channels WHERE id = ${channelId}
    ON CONFLICT (channel_id) DO UPDATE SET lease_id = excluded.lease_id, lease_until = excluded.lease_until
      WHERE s.lease_until IS NULL OR s.lease_until < now() OR s.lease_id = excluded.lease_id
    RETURNING s.channel_id`
  return rows.length > 0
}

export async function releaseLease(db: Database, channelId: string, leaseId: string): Promise<void> {
  await db.read`
    UPDATE channel_states SET lease_id = NULL, lease_until = NULL
    WHERE channel_id = ${channelId} AND lease_id = ${leaseId}`
}

/** A row that may be told now, with what rules look at. */
export type DueRow = {
  cause: string
  eventId: string
  stackId: string
  occasion: Occasion
  /** Rank. */
  severity: number
  createdAt: Date
  /** Why it waited until now: `quiet`, `digest`, `resend`; null: it did not. */
  reason: string | null
  /** False: the event is gone. */
  exists: boolean
  role: string | null
  title: string
  /** Empty unless the subject is asked for, as are label, node and VMID. */
  provider: string
  label: string
  node: string | null
  vmid: string | null
  /** Null unless asked for. */
  metadata: Record<string, unknown> | null
  facts: Record<string, string> | null
  isAcked: boolean
  isDismissed: boolean
  /** What the channel was told of the stack; null: nothing. */
  toldAt: Date | null
  toldSeverity: number | null
  isOpen: boolean
}

/** The rows of a channel that are due, the oldest first. There may be thousands, so each detail is dear. */
export async function listDue(
  db: Database,
  channelId: string,
  now: Date,
  limit: number,
  detail: 'none' | 'subject' | 'metadata',
): Promise<DueRow[]> {
  const sql = db.read
  const subject =
    detail === 'none'
      ? sql`'' AS provider, '' AS label, NULL AS node, NULL AS vmid`
      : sql`coalesce(e.provider, '') AS provider, coalesce(e.label, '') AS label, e.node, e.vmid`
  return sql<DueRow[]>`
    SELECT o.cause, o.event_id AS "eventId", o.stack_id AS "stackId", o.occasion, o.severity,
           o.created_at AS "createdAt", o.reason, e.id IS NOT NULL AS "exists", e.session_role AS role,
           coalesce(e.title, '') AS title, ${subject},
           ${detail === 'metadata' ? sql`e.metadata, e.facts` : sql`NULL AS metadata, NULL AS facts`},
           s.acked_at IS NOT NULL AS "isAcked", s.dismissed_at IS NOT NULL AS "isDismissed",
           k.told_at AS "toldAt", k.severity AS "toldSeverity", coalesce(k.is_open, false) AS "isOpen"
    FROM (SELECT * FROM outbox WHERE channel_id = ${channelId} AND state = 'waiting' AND due_at <= ${now}
          ORDER BY due_at LIMIT ${limit}) o
    LEFT JOIN events e ON e.id = o.event_id
    LEFT JOIN stacks s ON s.id = coalesce(e.stack_id, o.stack_id)
    LEFT JOIN channel_stacks k ON k.channel_id = ${channelId} AND k.stack_id = o.stack_id
    ORDER BY o.created_at, o.cause`
}

/** What becomes of due rows. */
export type FormedMessage = {
  id: string
  kind: NotificationKind
  because: string | null
  title: string
  severity: number
  events: number
}

export type Sorting = {
  held: { cause: string; reason: string }[]
  later: { cause: string; reason: string; dueAt: Date }[]
  /** With the occasion that they turned out to be. */
  taken: { cause: string; occasion: Occasion }[]
}

/** Writes down how rows were sorted, and the message that the taken ones make; false when the lease is lost. */
export async function saveSorting(
  db: Database,
  channelId: string,
  leaseId: string,
  { held, later, taken }: Sorting,
  message: FormedMessage | null,
  now: Date,
): Promise<boolean> {
  return db.read.begin(async (tx) => {
    if (!(await holdsLease(tx, channelId, leaseId))) return false
    const kept = [
      ...held.map((row) => ({ ...row, state: 'held', dueAt: null })),
      ...later.map((row) => ({ ...row, state: 'waiting' })),
    ]
    if (kept.length > 0) {
      await tx`
        UPDATE outbox o SET state = r.state, reason = r.reason, due_at = coalesce(r."dueAt", o.due_at)
        FROM json_to_recordset(${JSON.stringify(kept)}::json) AS r(
          cause uuid, state text, reason text, "dueAt" timestamptz)
        WHERE o.channel_id = ${channelId} AND o.cause = r.cause AND o.state = 'waiting'`
    }
    if (!message) return true
    await tx`
      INSERT INTO messages (id, channel_id, kind, because, title, severity, events, created_at, next_try_at)
      VALUES (${message.id}, ${channelId}, ${message.kind}, ${message.because}, ${message.title}, ${message.severity},
              ${message.events}, ${now}, ${now})`
    await tx`
      UPDATE outbox o SET state = 'taken', message_id = ${message.id}, occasion = r.occasion
      FROM json_to_recordset(${JSON.stringify(taken)}::json) AS r(cause uuid, occasion text)
      WHERE o.channel_id = ${channelId} AND o.cause = r.cause AND o.state = 'waiting'`
    await tx`UPDATE channel_states SET formed_at = ${now} WHERE channel_id = ${channelId}`
    return true
  })
}

async function holdsLease(tx: Tx, channelId: string, leaseId: string): Promise<boolean> {
  const rows = await tx`
    SELECT FROM channel_states WHERE channel_id = ${channelId} AND lease_id = ${leaseId} FOR UPDATE`
  return rows.length > 0
}

/** A message that is not sent yet. */
export type OpenMessage = FormedMessage & { createdAt: Date; tries: number; nextTryAt: Date }

/** The oldest message of a channel that is not sent yet. */
export async function findOpenMessage(db: Database, channelId: string): Promise<OpenMessage | null> {
  const rows = await db.read<OpenMessage[]>`
    SELECT id, kind, because, title, severity, events, created_at AS "createdAt", tries, next_try_at AS "nextTryAt"
    FROM messages WHERE channel_id = ${channelId} AND state = 'open' ORDER BY id LIMIT 1`
  return rows[0] ?? null
}

/** A row of a message. */
export type TakenRow = {
  cause: string
  eventId: string
  stackId: string
  occasion: Occasion
  severity: number
  createdAt: Date
}

/** The rows of a message, the oldest first. */
export async function listTaken(db: Database, messageId: string): Promise<TakenRow[]> {
  return db.read<TakenRow[]>`
    SELECT cause, event_id AS "eventId", stack_id AS "stackId", occasion, severity, created_at AS "createdAt"
    FROM outbox WHERE message_id = ${messageId} ORDER BY created_at, cause`
}

export type TryEnd = {
  attemptId: string
  at: Date
  durationMs: number
  exchange: Exchange
  /** Null: there is no other try. */
  nextTryAt: Date | null
}

/** What a channel was told of a stack by a message that arrived. */
export type ToldStack = {
  stackId: string
  severity: number
  isOpen: boolean
  isReminder: boolean
  remindAt: Date | null
}

/**
 * Writes down how a try ended: the attempt, the message, the channel, and what the channel knows now of the stacks in
 * it. False when another server has taken over, which then tells it again under the same id.
 */
export async function saveTry(
  db: Database,
  channelId: string,
  leaseId: string,
  messageId: string,
  { attemptId, at, durationMs, exchange, nextTryAt }: TryEnd,
  told: ToldStack[],
): Promise<boolean> {
  const { result, status, request, answer } = exchange
  const state = result === 'sent' ? 'sent' : nextTryAt ? 'open' : 'failed'
  return db.read.begin(async (tx) => {
    if (!(await holdsLease(tx, channelId, leaseId))) return false
    await tx`
      INSERT INTO attempts (id, message_id, channel_id, at, duration_ms, result, status, request, answer)
      VALUES (${attemptId}, ${messageId}, ${channelId}, ${at}, ${durationMs}, ${result}, ${status}, ${request}, ${answer})`
    await tx`
      UPDATE messages SET state = ${state}, tries = tries + 1, next_try_at = coalesce(${nextTryAt}, next_try_at),
        finished_at = ${state === 'open' ? null : at}
      WHERE id = ${messageId}`
    await (result === 'sent'
      ? tx`UPDATE channel_states SET failures = 0, failing_since = NULL, last_sent_at = ${at}, last_answer = ${answer}
           WHERE channel_id = ${channelId}`
      : tx`UPDATE channel_states SET failures = failures + 1, failing_since = coalesce(failing_since, ${at}),
             last_answer = ${answer}
           WHERE channel_id = ${channelId}`)
    if (told.length > 0) {
      await tx`
        INSERT INTO channel_stacks AS k (channel_id, stack_id, told_at, severity, is_open, reminders, remind_at)
        SELECT ${channelId}, "stackId", ${at}, severity, "isOpen", "isReminder"::int, "remindAt"
        FROM json_to_recordset(${JSON.stringify(told)}::json) AS t(
          "stackId" uuid, severity smallint, "isOpen" boolean, "isReminder" boolean, "remindAt" timestamptz)
        ON CONFLICT (channel_id, stack_id) DO UPDATE SET
          told_at = excluded.told_at, severity = excluded.severity, is_open = excluded.is_open,
          reminders = CASE WHEN excluded.reminders > 0 THEN k.reminders + 1 ELSE 0 END,
          remind_at = excluded.remind_at`
    }
    return true
  })
}

/**
 * Puts a row in for each stack of a channel that is to be remembered now, and which nobody has acknowledged, dismissed
 * or seen the end of; forgets the others.
 */
export async function addReminders(db: Database, channelId: string, most: number, now: Date): Promise<void> {
  await db.read.begin(async (tx) => {
    const rows = await tx<(NewRow & { isWanted: boolean })[]>`
      WITH due AS (
        SELECT stack_id FROM channel_stacks
        WHERE channel_id = ${channelId} AND remind_at <= ${now} ORDER BY stack_id FOR UPDATE SKIP LOCKED),
      done AS (
        UPDATE channel_stacks k SET remind_at = NULL FROM due
        WHERE k.channel_id = ${channelId} AND k.stack_id = due.stack_id
        RETURNING k.stack_id, k.severity, k.reminders, k.is_open)
      SELECT ${channelId} AS "channelId", s.latest_event_id AS "eventId", s.id AS "stackId", 'reminder' AS occasion,
             d.severity, NULL AS reason,
             d.is_open AND d.reminders < ${most} AND s.acked_at IS NULL AND s.dismissed_at IS NULL
               AND NOT s.resolved AS "isWanted"
      FROM done d JOIN stacks s ON s.id = d.stack_id`
    await addToOutbox(
      tx,
      rows.filter((row) => row.isWanted).map(({ isWanted: _wanted, ...row }) => row),
      now,
    )
  })
}

/**
 * Has events told once more: those of one message, or all that a channel took since an instant. Returns how many.
 */
export async function resendRows(
  db: Database,
  channelId: string,
  what: { messageId: string } | { since: Date },
  now: Date,
): Promise<number> {
  return db.read.begin(async (tx) => {
    const which = 'messageId' in what ? tx`message_id = ${what.messageId}` : tx`created_at >= ${what.since}`
    const rows = await tx<NewRow[]>`
      SELECT DISTINCT ON (event_id, occasion) channel_id AS "channelId", event_id AS "eventId",
             stack_id AS "stackId", occasion, severity, 'resend' AS reason
      FROM outbox WHERE channel_id = ${channelId} AND state = 'taken' AND ${which}
      ORDER BY event_id, occasion, created_at DESC`
    await addToOutbox(tx, rows, now)
    return rows.length
  })
}

/** Forgets what was told, or held back, before an instant. */
export async function forgetTold(db: Database, before: Date): Promise<void> {
  await db.read`
    DELETE FROM messages WHERE finished_at < ${before}`
  await db.read`
    DELETE FROM outbox o WHERE created_at < ${before} AND state <> 'waiting'
      AND NOT EXISTS (SELECT FROM messages m WHERE m.id = o.message_id)`
  await db.read`DELETE FROM channel_stacks WHERE told_at < ${before}`
  await db.read`DELETE FROM silences WHERE to_at < ${before}`
}
