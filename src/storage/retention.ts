/**
 * Carries a retention policy out: in small batches with a pause after each, one server at a time, and each event looked
 * at about when it comes of age (docs/retention.md).
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Database, Sql } from './database.ts'
import { deleteEvents } from './delete-events.ts'
import { type Fragment, isDue } from './due-events.ts'
import { deleteOldRows, type LogTable } from './old-logs.ts'
import { ago, expiriesAt, type RetentionPlan, trimsAt } from './retention-plan.ts'
import {
  alone,
  type Progress,
  readProgress,
  readSnapshot,
  ruleName,
  saveProgress,
} from './retention-progress.ts'
import { findEvents, type Look, type Place, type Stretch } from './stretches.ts'
import { isLong, trimTexts } from './trim-texts.ts'

/** What was done; `skipped` counts batches that others were in the way of, which come again in the next run. */
export type RetentionResult = {
  events: number
  stacks: number
  messages: number
  deliveries: number
  bodies: number
  skipped: number
}

export type RetentionOptions = { now: Date; signal: AbortSignal; pauseMs?: number }

const DELETE_LOOK: Look = { events: 20_000, matches: 250 }
/** Long texts are read from where PostgreSQL keeps them apart. */
const TRIM_LOOK: Look = { events: 2_000, matches: 20 }
const ROWS = 1_000
const PAUSE_MS = 100
const MAX_TRIES = 3
/** SQLSTATEs of a batch that would have waited for long: no lock in time, statement cancelled (PostgreSQL, Appendix A). */
const IN_THE_WAY = new Set(['55P03', '57014'])

/** Deletes and trims what is due at `now`. Ends early, without a failure, when told to; null: another server is at it. */
export async function applyRetention(
  db: Database,
  plan: RetentionPlan,
  { now, signal, pauseMs = PAUSE_MS }: RetentionOptions,
): Promise<RetentionResult | null> {
  const result = { events: 0, stacks: 0, messages: 0, deliveries: 0, bodies: 0, skipped: 0 }
  const run: Run = { db, now, signal, pauseMs, result }
  const wasAlone = await alone(db, async () => {
    await deleteDueEvents(run, plan)
    await trimLongTexts(run, plan)
    for (const table of ['deliveries', 'delivery_chunks'] as const)
      result.deliveries += await deleteOldLogs(run, table, plan.deliveriesMs)
    result.bodies = await deleteOldLogs(run, 'quarantine', plan.quarantineMs)
  })
  return wasAlone ? result : null
}

type Run = { db: Database; now: Date; signal: AbortSignal; pauseMs: number; result: RetentionResult }

async function deleteDueEvents(run: Run, plan: RetentionPlan): Promise<void> {
  const expiries = expiriesAt(plan, run.now)
  const condition = (sql: Sql) => isDue(sql, 'e', expiries)
  for (const [index, { before }] of expiries.entries()) {
    await carryOut(
      run,
      { rule: plan.expiries[index]!, before, look: DELETE_LOOK, condition },
      async (ids) => {
        const { events, stacks } = await deleteEvents(run.db, ids, expiries)
        run.result.events += events
        run.result.stacks += stacks
      },
    )
  }
}

async function trimLongTexts(run: Run, plan: RetentionPlan): Promise<void> {
  for (const [index, trim] of trimsAt(plan, run.now).entries()) {
    const condition = (sql: Sql) => isLong(sql, 'e', trim)
    const task = { rule: plan.trims[index]!, before: trim.before, look: TRIM_LOOK, condition }
    await carryOut(run, task, async (ids) => {
      run.result.messages += await trimTexts(run.db, ids, trim)
    })
  }
}

async function deleteOldLogs(run: Run, table: LogTable, ageMs: number | null): Promise<number> {
  let all = 0
  for (let isMore = true; ageMs !== null && isMore && !run.signal.aborted; ) {
    const { rows, entries } = await deleteOldRows(run.db, table, ago(run.now, ageMs), ROWS)
    all += entries
    isMore = rows === ROWS
    if (isMore) await rest(run)
  }
  return all
}

type Task = { rule: { ageMs: number }; before: Date; look: Look; condition: (sql: Sql) => Fragment }

/** Works on all events that match and were not looked at since they do; then notes that it is done. */
async function carryOut(run: Run, task: Task, work: (ids: string[]) => Promise<void>): Promise<void> {
  const { db, now, signal, result } = run
  const name = ruleName(task.rule)
  const skippedBefore = result.skipped
  const last = await readProgress(db, name)
  const snapshot = await readSnapshot(db)
  for (const stretch of stretchesSince(last, task)) {
    let place: Place | null = null
    do {
      if (signal.aborted) return
      const { ids, next } = await findEvents(db.read, stretch, place, task.condition(db.read), task.look)
      if (ids.length > 0) await patiently(run, () => work(ids))
      place = next
      if (place !== null || ids.length > 0) await rest(run)
    } while (place !== null)
  }
  if (result.skipped === skippedBefore) await saveProgress(db, name, { at: now, snapshot })
}

/** Everything at the first time; then what came of age by its start, by its arrival, or by a change, since the last. */
function stretchesSince(last: Progress | null, { rule, before: upTo }: Task): Stretch[] {
  if (last === null) return [{ by: 'start', after: null, upTo }]
  const after = ago(last.at, rule.ageMs)
  return [
    { by: 'start', after, upTo },
    { by: 'arrival', after, upTo },
    { by: 'change', since: last.snapshot },
  ]
}

/** Tries a batch again that somebody is in the way of, and then leaves it for the next run. */
async function patiently(run: Run, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; !run.signal.aborted; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!IN_THE_WAY.has(String((error as { code?: unknown } | null)?.code))) throw error
      if (tries === MAX_TRIES) break
      await rest(run)
    }
  }
  run.result.skipped++
}

async function rest({ signal, pauseMs }: Run): Promise<void> {
  await pause(pauseMs, undefined, { signal }).catch(() => {})
}
