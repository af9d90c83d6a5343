/** The texts of events as the index of words holds them (docs/adr/0008-reads.md). */
import type { Tx } from './database.ts'
import type { Fragment } from './filters.ts'
import type { WordsToIndex } from './word-groups.ts'
import { asIds } from './word-index.ts'
import { EVENT_TEXT, SPAN_KEYS } from './words.ts'

/** `left`: the group that holds it; `differs`: not as it is now, since an acknowledgement changes an event, not its words. */
export type Text = WordsToIndex & { left: string | null; differs: boolean; transaction: string | null }

type Row = Omit<Text, 'body' | 'differs'> & {
  title: string
  subtitle: string | null
  metadata: Record<string, unknown>
  /** As the index has it; null: it has not. */
  indexed: string | null
  isElsewhere: boolean
  lowersAscii: boolean
}

/** False in a Turkish locale, which knows two letters i. */
const LOWERS_ASCII = `lower('ABCDEFGHIJKLMNOPQRSTUVWXYZ') = 'abcdefghijklmnopqrstuvwxyz'`

/** Events whose texts are read at a time: they come with all their metadata. */
const PIECE = 200

/** Waits, after so many milliseconds of work, until it is right to go on. */
export type Rest = (workedMs: number) => Promise<void>

/**
 * Reads the texts of some events `e`, in no order, a piece at a time. By a cursor, which is planned for its first rows: any
 * other plan may read and sort all events that wait, for as many as a limit lets.
 */
export async function readTexts(tx: Tx, transaction: Fragment, which: Fragment, rest: Rest): Promise<Text[]> {
  await tx`
    DECLARE texts NO SCROLL CURSOR FOR
    SELECT t.*, ${tx.unsafe(LOWERS_ASCII)} AS "lowersAscii", w.group_id AS left, w.body AS indexed,
           g.spans IS DISTINCT FROM t.spans AS "isElsewhere"
    FROM (SELECT e.id, ${tx.unsafe(SPAN_KEYS)} AS spans, e.title, e.subtitle, e.metadata, ${transaction}
          FROM events e WHERE ${which}) t
    LEFT JOIN event_words w ON w.event_id = t.id LEFT JOIN word_groups g ON g.id = w.group_id`
  const texts: Text[] = []
  let rows: Row[]
  do {
    const begun = performance.now()
    rows = await tx<Row[]>`FETCH ${tx.unsafe(String(PIECE))} FROM texts`
    texts.push(...(await withBodies(tx, rows)))
    await rest(performance.now() - begun)
  } while (rows.length === PIECE)
  await tx`CLOSE texts`
  return texts
}

async function withBodies(tx: Tx, rows: Row[]): Promise<Text[]> {
  const bodies = await bodiesOf(tx, rows)
  return rows.map(({ id, spans, left, transaction, isElsewhere, indexed }) => {
    const body = bodies.get(id)!
    return { id, spans, body, left, transaction, differs: isElsewhere || indexed !== body }
  })
}

/**
 * The text of each event in lower case, by its id. The database is asked only where it may know better: to take a message
 * out of its JSON and to lower it costs PostgreSQL three times what it costs to hand over the whole.
 */
async function bodiesOf(tx: Tx, rows: Row[]): Promise<Map<string, string>> {
  const bodies = new Map<string, string>()
  const others: string[] = []
  for (const row of rows) {
    const body = plainBody(row)
    if (body === null) others.push(row.id)
    else bodies.set(row.id, body)
  }
  if (others.length === 0) return bodies
  const asked = await tx<{ id: string; body: string }[]>`
    SELECT e.id, lower(${tx.unsafe(EVENT_TEXT)}) AS body FROM events e
    WHERE e.id IN (${asIds(tx, others)})`
  for (const { id, body } of asked) bodies.set(id, body)
  return bodies
}

/** What {@link EVENT_TEXT} gives, in lower case; null: letters beyond ASCII, or a message that is no string. */
function plainBody({ title, subtitle, metadata, lowersAscii }: Row): string | null {
  const parts = [title, subtitle, metadata.Message, metadata.message].filter((part) => part != null)
  const text = parts.join('\n')
  const isPlain = lowersAscii && parts.every((part) => typeof part === 'string') && isAscii(text)
  return isPlain ? text.toLowerCase() : null
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}
