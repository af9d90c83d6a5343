import type { EpisodeMark, JudgedEvent } from '../event.ts'
import { newId } from '../new-id.ts'
import type { Tx } from './database.ts'

/** A mark, and the id under which its event is stored; `isNew`: nothing was stored under that id before this transaction. */
export type MarkToWrite = { id: string; event: JudgedEvent; mark: EpisodeMark; isNew: boolean }

/** Who closed an episode that no person closed. */
const BY_SCORE = 'score'

/** The name of the lock under which episodes of a node are written. */
export function episodesName({ provider, node }: { provider: string; node: string | null }): string {
  return `episodes ${provider} ${node ?? ''}`
}

/**
 * Sends what events say of episodes, in the transaction that has stored them and without waiting in between. A failure
 * belongs to the first episode that ends at or after it, or is open, so that the order of arrival makes no difference; an
 * event counts once, however often it is written. The caller holds the locks of {@link episodesName}.
 */
export function markEpisodes(tx: Tx, marks: MarkToWrite[]): Promise<unknown> {
  const ordered = marks.toSorted((a, b) => a.event.startDate.getTime() - b.event.startDate.getTime())
  return Promise.all(
    inRuns(ordered).flatMap((run) => {
      const [mark] = run as [MarkToWrite]
      if (isNewFailure(mark)) return addFailures(tx, run).execute()
      const given = givenBy(tx, mark)
      const statements =
        mark.mark.does === 'fails'
          ? [addFailure(tx, given), refresh(tx, given), dropEmpty(tx, given)]
          : [split(tx, given), refresh(tx, given), close(tx, given), remember(tx, given)]
      return statements.map((statement) => statement.execute())
    }),
  )
}

function isNewFailure({ mark, isNew }: MarkToWrite): boolean {
  return isNew && mark.does === 'fails'
}

/** New failures that follow each other go together; each other mark stands alone. */
function inRuns(ordered: MarkToWrite[]): MarkToWrite[][] {
  const runs: MarkToWrite[][] = []
  for (const mark of ordered) {
    const last = runs.at(-1)
    if (last && isNewFailure(mark) && isNewFailure(last[0]!)) last.push(mark)
    else runs.push([mark])
  }
  return runs
}

type Part = ReturnType<typeof givenBy>

function rowOf({ id, event, mark }: MarkToWrite) {
  const { provider, title, node, vmid, startDate: at } = event
  return { id, writtenBy: event.id, newId: newId(), provider, title, node, vmid, at, ...mark }
}

/**
 * Adds failures that no episode has yet, whatever their number, without counting the others of their episodes anew. Those
 * of one key that find no episode make one together: the earliest found none, so there is none for the later ones.
 */
function addFailures(tx: Tx, marks: MarkToWrite[]) {
  return tx`
    WITH q AS (
      SELECT q.*, home.id AS home FROM json_to_recordset(${JSON.stringify(marks.map(rowOf))}::json) AS q(
        id uuid, "writtenBy" uuid, "newId" uuid, provider text, title text, node text, vmid text, at timestamptz,
        key text, "jobId" text)
      JOIN events w ON w.id = q.id AND w.written_by = q."writtenBy"
      LEFT JOIN LATERAL (
        SELECT e.id FROM episodes e
        WHERE e.provider = q.provider AND e.key = q.key AND (e.closed_at IS NULL OR e.closed_at >= q.at)
        ORDER BY e.closed_at NULLS LAST, e.event_count DESC LIMIT 1) home ON true
    ), placed AS (
      SELECT q.*, coalesce(home, first_value("newId") OVER (PARTITION BY provider, key, home ORDER BY at, id)) AS episode
      FROM q
    ), sums AS (
      SELECT DISTINCT ON (episode) p.*, count(*) OVER w AS count, min(at) OVER w AS first
      FROM placed p WINDOW w AS (PARTITION BY episode) ORDER BY episode, at DESC, id DESC
    ), made AS (
      INSERT INTO episodes (id, provider, key, title, node, vmid, job_id, opened_at, last_event_at, last_event_id,
                            event_count)
      SELECT episode, provider, key, title, node, vmid, "jobId", first, at, id, count FROM sums WHERE home IS NULL
    ), grown AS (
      UPDATE episodes e SET
        opened_at = CASE WHEN e.event_count > 0 THEN least(e.opened_at, s.first) ELSE s.first END,
        last_event_at = CASE WHEN newer THEN s.at ELSE e.last_event_at END,
        last_event_id = CASE WHEN newer THEN s.id ELSE e.last_event_id END,
        event_count = e.event_count + s.count,
        title = CASE WHEN newer THEN s.title ELSE e.title END,
        node = CASE WHEN newer THEN s.node ELSE e.node END,
        vmid = CASE WHEN newer THEN s.vmid ELSE e.vmid END,
        job_id = CASE WHEN newer THEN s."jobId" ELSE e.job_id END
      FROM (
        SELECT s.*, o.event_count = 0 OR (s.at, s.id) > (o.last_event_at, o.last_event_id) AS newer
        FROM sums s JOIN episodes o ON o.id = s.home
      ) s WHERE e.id = s.home
    )
    INSERT INTO episode_events (event_id, episode_id, at) SELECT id, episode, at FROM placed`
}

/** The mark as a relation `q`; empty when a newer event has been written in the place of this one. */
function givenBy(tx: Tx, mark: MarkToWrite) {
  const row = rowOf(mark)
  return tx`
    q AS (
      SELECT q.* FROM json_to_record(${JSON.stringify(row)}::json) AS q(
        id uuid, "writtenBy" uuid, "newId" uuid, provider text, title text, node text, vmid text, at timestamptz,
        does text, key text, "jobId" text)
      JOIN events w ON w.id = q.id AND w.written_by = q."writtenBy")`
}

/** Holds for an episode `e` that the mark is about. */
function isAbout(tx: Tx) {
  return tx`e.provider = q.provider AND (
    e.key = q.key OR (q.key IS NULL AND e.node IS NOT DISTINCT FROM q.node AND e.vmid = q.vmid))`
}

function addFailure(tx: Tx, given: Part) {
  return tx`
    WITH ${given}, home AS (
      SELECT e.id FROM episodes e, q
      WHERE e.provider = q.provider AND e.key = q.key AND (e.closed_at IS NULL OR e.closed_at >= q.at)
      ORDER BY e.closed_at NULLS LAST, e.event_count DESC LIMIT 1
    ), made AS (
      INSERT INTO episodes (id, provider, key, title, node, vmid, job_id, opened_at, last_event_at, last_event_id,
                            event_count)
      SELECT "newId", provider, key, title, node, vmid, "jobId", at, at, id, 1 FROM q
      WHERE NOT EXISTS (SELECT FROM home)
      RETURNING id
    )
    INSERT INTO episode_events (event_id, episode_id, at)
    SELECT q.id, e.id, q.at FROM q, (SELECT id FROM home UNION ALL SELECT id FROM made) e
    ON CONFLICT (event_id) DO UPDATE SET episode_id = excluded.episode_id, at = excluded.at`
}

/** Counts the failures of the episodes anew; the latest gives title, node, VMID and job. */
function refresh(tx: Tx, given: Part) {
  return tx`
    WITH ${given}, m AS (
      SELECT m.episode_id, min(m.at) AS first, max(m.at) AS last, count(*)::int AS count,
             (array_agg(m.event_id ORDER BY m.at DESC, m.event_id DESC))[1] AS latest
      FROM q JOIN episodes e ON ${isAbout(tx)} JOIN episode_events m ON m.episode_id = e.id GROUP BY 1
    ), r AS (
      SELECT m.*, q.*, q.does = 'fails' AND m.latest = q.id AS newer FROM m, q
    )
    UPDATE episodes e SET
      opened_at = r.first, last_event_at = r.last, last_event_id = r.latest, event_count = r.count,
      title = CASE WHEN r.newer THEN r.title ELSE e.title END,
      node = CASE WHEN r.newer THEN r.node ELSE e.node END,
      vmid = CASE WHEN r.newer THEN r.vmid ELSE e.vmid END,
      job_id = CASE WHEN r.newer THEN r."jobId" ELSE e.job_id END
    FROM r WHERE e.id = r.episode_id`
}

/** An update may take the last failure of an episode to another time, and so to another episode. */
function dropEmpty(tx: Tx, given: Part) {
  return tx`
    WITH ${given}
    DELETE FROM episodes e USING q
    WHERE ${isAbout(tx)} AND e.event_count > 0
      AND NOT EXISTS (SELECT FROM episode_events m WHERE m.episode_id = e.id)`
}

/** Sets apart what came before a recovery that is told late, after further failures. */
function split(tx: Tx, given: Part) {
  return tx`
    WITH ${given}, whole AS (
      SELECT e.*, gen_random_uuid() AS "partId", q.at AS over_at, q.title AS reason FROM episodes e, q
      WHERE ${isAbout(tx)} AND e.opened_at <= q.at AND e.last_event_at > q.at
    ), parts AS (
      INSERT INTO episodes (id, provider, key, title, node, vmid, job_id, opened_at, last_event_at, last_event_id,
                            event_count, closed_at, closed_by, close_reason)
      SELECT "partId", provider, key, title, node, vmid, job_id, opened_at, last_event_at, last_event_id,
             event_count, over_at, ${BY_SCORE}, reason
      FROM whole
    )
    UPDATE episode_events m SET episode_id = w."partId" FROM whole w
    WHERE m.episode_id = w.id AND m.at <= w.over_at`
}

function close(tx: Tx, given: Part) {
  return tx`
    WITH ${given}
    UPDATE episodes e SET closed_at = q.at, closed_by = ${BY_SCORE}, close_reason = q.title FROM q
    WHERE ${isAbout(tx)} AND e.closed_at IS NULL AND e.last_event_at <= q.at`
}

/** Keeps the latest recovery that ended nothing: a failure from before it may still be on its way. */
function remember(tx: Tx, given: Part) {
  return tx`
    WITH ${given}, known AS (
      SELECT e.* FROM episodes e, q WHERE e.provider = q.provider AND e.key = q.key
    ), moved AS (
      UPDATE episodes e SET opened_at = q.at, last_event_at = q.at, last_event_id = q.id, closed_at = q.at,
                            close_reason = q.title
      FROM q
      WHERE e.id IN (SELECT id FROM known WHERE event_count = 0)
        AND NOT EXISTS (SELECT FROM known WHERE known.closed_at >= q.at)
    )
    INSERT INTO episodes (id, provider, key, title, node, vmid, job_id, opened_at, last_event_at, last_event_id,
                          event_count, closed_at, closed_by, close_reason)
    SELECT "newId", provider, key, title, node, vmid, "jobId", at, at, id, 0, at, ${BY_SCORE}, title FROM q
    WHERE q.key IS NOT NULL
      AND NOT EXISTS (SELECT FROM known WHERE known.event_count = 0 OR known.closed_at >= q.at)`
}
