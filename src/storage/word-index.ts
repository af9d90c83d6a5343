/** Statements on the index of words, and on the events that it does not know yet (docs/adr/0008-reads.md). */
import type { Tx } from './database.ts'
import { type Fragment, wordConditions } from './filters.ts'
import type { Snapshot } from './snapshot.ts'
import { likePattern, spanKeys, wordsOf } from './words.ts'

/** What is known of the index. */
export type WordIndex = {
  /** Up to where it is filled. */
  position: Snapshot
  /** Letters beyond ASCII make up words too; which PostgreSQL takes for letters is a matter of the database's locale. */
  isWide: boolean
}

/**
 * Null: the index is not filled yet. For the rest of the transaction, statements are planned for what they search for, and
 * for an index where there is one: estimates for rare words and for many short stretches of indexes are far off.
 */
export async function readWordIndex(tx: Tx): Promise<WordIndex | null> {
  const [row] = await tx<WordIndex[]>`
    SELECT position, cardinality(show_trgm('яяя')) > 0 AS "isWide", set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('enable_seqscan', 'off', true)
    FROM words_position
    WHERE above IS NULL AND pg_snapshot_xmax(position::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())`
  return row ? { position: row.position, isWide: row.isWide } : null
}

/** Rows of table `e` that changed since the index was brought up to date. */
export function isTail(tx: Tx, position: Snapshot): Fragment {
  return tx`(e.changed_tx >= pg_snapshot_xmin(${position}::pg_snapshot)
    AND e.changed_tx < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot(e.changed_tx, ${position}::pg_snapshot))`
}

/** A stretch of time in milliseconds, both inclusive. */
export type Stretch = { from: number; to: number }

/** Ids of the events that match: by the index those that start in the stretch, and all that the index does not know yet. */
export function matchesIn(tx: Tx, words: string[], index: WordIndex, stretch: Stretch | null): Fragment {
  const keys = stretch && spanKeys(stretch.from, stretch.to).join(',')
  const tail = isTail(tx, index.position)
  return tx`
    SELECT e.id FROM word_groups g
    JOIN event_words w ON w.event_id = ANY (g.event_ids) AND w.group_id = g.id JOIN events e ON e.id = w.event_id
    WHERE ${keys === null ? tx`true` : tx`g.spans && string_to_array(${keys}, ',')::int[]`}
      AND ${groupConditions(tx, words, index)} AND ${bodyConditions(tx, words, index)} AND NOT ${tail}
    UNION ALL
    SELECT e.id FROM events e WHERE ${tail} ${wordConditions(tx, words)}`
}

/** Those of the events that match. */
export async function matchingEvents(
  tx: Tx,
  words: string[],
  index: WordIndex,
  ids: string[],
): Promise<Set<string>> {
  const rows = await tx<{ id: string }[]>`
    SELECT e.id FROM ${withWords(tx)} WHERE e.id IN (${asIds(tx, ids)}) AND ${isMatch(tx, words, index)}`
  return new Set(rows.map(({ id }) => id))
}

/** Those of the stacks of which an event matches. */
export async function matchingStacks(
  tx: Tx,
  words: string[],
  index: WordIndex,
  ids: string[],
): Promise<Set<string>> {
  const rows = await tx<{ id: string }[]>`
    SELECT p.id FROM (${asIds(tx, ids)}) p(id) WHERE ${isStackMatching(tx, words, index, tx`p.id`, null)}`
  return new Set(rows.map(({ id }) => id))
}

/**
 * An event of a stack matches, one that starts before an instant if that is given. Whether the index knows it as it is, is
 * asked only of those that match by it: the rows of all others need not be read.
 */
export function isStackMatching(
  tx: Tx,
  words: string[],
  index: WordIndex,
  stackId: Fragment,
  before: Date | null,
): Fragment {
  const tail = isTail(tx, index.position)
  const earlier = before ? tx`AND e.start_date < ${before}` : tx``
  return tx`(
    EXISTS (
      SELECT FROM (
        SELECT w.event_id FROM (SELECT e.id FROM events e WHERE e.stack_id = ${stackId} ${earlier} OFFSET 0) x
        JOIN event_words w ON w.event_id = x.id AND ${bodyConditions(tx, words, index)} OFFSET 0) m
      JOIN events e ON e.id = m.event_id AND NOT ${tail})
    OR ${stackId} IN (SELECT e.stack_id FROM events e WHERE ${tail} ${wordConditions(tx, words)} ${earlier}))`
}

const withWords = (tx: Tx) => tx`events e LEFT JOIN event_words w ON w.event_id = e.id`

/** Rows of one column, the ids. */
export const asIds = (tx: Tx, ids: string[]): Fragment =>
  tx`SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json)`

/** What the index does not know, or knows as it was, is looked at itself. */
function isMatch(tx: Tx, words: string[], index: WordIndex): Fragment {
  return tx`CASE WHEN ${isTail(tx, index.position)} THEN true ${wordConditions(tx, words)}
                 ELSE ${bodyConditions(tx, words, index)} END`
}

/**
 * All words can occur in an event of table `g`, groups: each of their parts occurs in one of its words. A part without three
 * letters or digits in a row has no trigram; the index would be gone through from end to end for it, so it is looked for
 * in the rows.
 */
function groupConditions(tx: Tx, words: string[], index: WordIndex): Fragment {
  return allOf(tx, words.flatMap(wordsOf), (part) => contains(tx, tx`g.words`, part, index))
}

/** All words occur in what table `w` holds of an event. */
function bodyConditions(tx: Tx, words: string[], index: WordIndex): Fragment {
  return allOf(tx, words, (word) => contains(tx, tx`w.body`, word, index))
}

function contains(tx: Tx, text: Fragment, word: string, { isWide }: WordIndex): Fragment {
  const hasTrigram = isWide ? /[\p{L}\p{N}]{3}/u : /[a-z0-9]{3}/i
  return hasTrigram.test(word)
    ? tx`${text} LIKE lower(${likePattern(word)})`
    : tx`strpos(${text}, lower(${word})) > 0`
}

function allOf(tx: Tx, words: string[], condition: (word: string) => Fragment): Fragment {
  return words.map(condition).reduce((all, next) => tx`${all} AND ${next}`, tx`true`)
}
