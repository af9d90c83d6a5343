/** Databases for `bench/reads.ts`, generated inside PostgreSQL: rows first, then indexes and triggers. */
import type postgres from 'postgres'
import { sumUpCounts } from '../src/storage/counts.ts'
import { EVENT_TEXT, SPAN_KEYS } from '../src/storage/words.ts'

/** Words that the generator sows, and how many events hold one. */
export const RARE = 'zyxquell'
export const MIDDLING = 'kwondor'
export const PERCENT = 'jubrask'
export const FREQUENT = 'backup'
/** Events with {@link RARE}; all other shares are of the whole. */
const RARE_EVENTS = 5
const MIDDLING_EVERY = 1_000
const PERCENT_EVERY = 100

export const NODES = 60
export const GUESTS = 1_800
const DAYS = 365
/** Events of the average stack. */
const PER_STACK = 3.5

const VOCABULARY = 3_000
const SENTENCES = 20_000

/** Tables that are filled; their indexes and triggers are made after. */
const TABLES = ['stacks', 'stack_windows', 'events', 'event_words', 'word_groups']

/** Fills a migrated, empty database with about `events` events of the last year. `target` is a URL or a socket. */
export async function fillDatabase(sql: postgres.Sql, events: number): Promise<void> {
  const stacks = Math.round(events / PER_STACK)
  const step = async (what: string, work: () => PromiseLike<unknown>) => {
    const start = performance.now()
    await work()
    console.error(`  ${events}: ${what}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
  }
  await sql`SET maintenance_work_mem = '1GB'`
  await sql`SET work_mem = '256MB'`
  await sql`SET synchronous_commit = off`
  const later = await stripTables(sql)
  await step('sentences', () => makeSentences(sql))
  await step('plan', () => sql.unsafe(planOf(stacks)))
  await step('stacks', () => sql.unsafe(STACKS))
  await step('windows', () => sql.unsafe(WINDOWS))
  await step('events', () => sql.unsafe(eventsOf(events)))
  await step('words', () => sql.unsafe(WORDS))
  for (const statement of later) await step(statement.slice(0, 70), () => sql.unsafe(statement))
  await step('counts', () =>
    sql.unsafe(`INSERT INTO count_changes (provider, bucket, severity, count, received_at)
      SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, count(*), max(received_at)
      FROM events GROUP BY 1, 2, 3`),
  )
  // What the server would leave behind is swept up with the rest: readers of providers go through it.
  await step('sums', async () => {
    while ((await sumUpCounts({ read: sql })) > 0) {
      // The next lot.
    }
  })
  await sql`
    INSERT INTO words_position (id, position, above) VALUES (true, pg_current_snapshot()::text, NULL)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position, above = NULL`
  await step('vacuum', () => sql.unsafe('VACUUM ANALYZE'))
}

/** Groups as the server makes them, but for the words, which here stand there as often as in the events. */
const WORDS = `
  CREATE TEMP TABLE texts AS SELECT e.id, ${SPAN_KEYS} AS spans, lower(${EVENT_TEXT}) AS body FROM events e;
  CREATE TEMP TABLE groups AS
    SELECT gen_random_uuid() AS id, spans, array_agg(id) AS ids, string_agg(body, ' ') AS words
    FROM (SELECT t.*, (row_number() OVER (PARTITION BY spans[1] ORDER BY body COLLATE "C") - 1) / 8 AS n FROM texts t) t
    GROUP BY spans, n;
  INSERT INTO word_groups (id, spans, event_ids, words) SELECT id, spans, ids, words FROM groups;
  INSERT INTO event_words (event_id, group_id, body)
    SELECT t.id, g.id, t.body FROM groups g CROSS JOIN unnest(g.ids) AS u(id) JOIN texts t ON t.id = u.id`

/** Takes indexes, constraints and triggers away that make filling slow; returns the statements that bring them back. */
async function stripTables(sql: postgres.Sql): Promise<string[]> {
  const constraints = await sql<{ table: string; name: string; definition: string }[]>`
    SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE conrelid::regclass::text = ANY (${TABLES}) AND contype IN ('p', 'f', 'x') AND confrelid = 0
      AND conrelid::regclass::text <> 'stacks' AND NOT (conrelid::regclass::text = 'events' AND contype = 'p')`
  const indexes = await sql<{ name: string; definition: string }[]>`
    SELECT indexname AS name, indexdef AS definition FROM pg_indexes
    WHERE tablename = ANY (${TABLES}) AND indexname NOT IN (SELECT conname FROM pg_constraint)`
  const triggers = await sql<{ name: string }[]>`
    SELECT tgname AS name FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal`
  for (const { table, name } of constraints) await sql.unsafe(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
  for (const { name } of indexes) await sql.unsafe(`DROP INDEX ${name}`)
  for (const { name } of triggers) await sql.unsafe(`ALTER TABLE events DISABLE TRIGGER ${name}`)
  return [
    ...indexes.map(({ definition }) => definition),
    ...constraints.map(
      ({ table, name, definition }) => `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`,
    ),
    ...triggers.map(({ name }) => `ALTER TABLE events ENABLE TRIGGER ${name}`),
  ]
}

/** Sentences of about 150 characters, from words of which some are much more frequent than others; always the same. */
function writeSentences(): { n: number; text: string }[] {
  let state = 1
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  const syllable = () =>
    'bcdfghklmnprstvw'[random(16)]! + 'aeiou'[random(5)]! + (random(3) === 0 ? 'nrst'[random(4)]! : '')
  const words = Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: 2 + random(3) }, syllable).join(''),
  )
  const word = () => words[Math.floor(VOCABULARY * (random(10_000) / 10_000) ** 2)]
  return Array.from({ length: SENTENCES }, (_, n) => ({
    n,
    text: Array.from({ length: 20 }, word).join(' '),
  }))
}

async function makeSentences(sql: postgres.Sql): Promise<void> {
  await sql`CREATE TEMP TABLE sentence (n int PRIMARY KEY, text text)`
  await sql`
    INSERT INTO sentence SELECT * FROM json_to_recordset(${JSON.stringify(writeSentences())}::json) AS s(n int, text text)`
  await sql`ANALYZE sentence`
}

/** What the stacks are: spread evenly over the year, most short, a few of weeks; some guests, some nodes alone. */
function planOf(stacks: number): string {
  const stepMs = (DAYS * 86_400_000) / stacks
  return `
    CREATE TEMP TABLE plan AS
      SELECT n, events, guest, (guest % ${NODES}) AS node, hasguest,
        CASE WHEN p < 0.7 THEN 'com.proxmox' WHEN p < 0.9 THEN 'com.proxmox.backup'
             WHEN p < 0.97 THEN 'scripts.bash.disk' ELSE 'com.example.app' END AS provider,
        CASE WHEN s < 0.05 THEN 0 WHEN s < 0.9 THEN 1 WHEN s < 0.96 THEN 2 WHEN s < 0.995 THEN 3 ELSE 4 END AS severity,
        d < 0.02 AS dismissed, d > 0.97 AS acked,
        CASE WHEN events = 1 THEN 0 WHEN l < 0.5 THEN 600 WHEN l < 0.8 THEN 21600 WHEN l < 0.97 THEN 86400
             WHEN l < 0.997 THEN 259200 ELSE 1728000 END * (0.3 + 0.7 * r) AS seconds,
        date_trunc('milliseconds', now() - (${DAYS}::int * interval '1 day') + n * ${stepMs} * interval '1 millisecond') AS first
      FROM (SELECT n, 1 + floor(random() * 6)::int AS events, floor(random() * ${GUESTS})::int AS guest,
              random() < 0.7 AS hasguest, random() AS p, random() AS s, random() AS d, random() AS l, random() AS r
            FROM generate_series(1, ${stacks}) n) raw;
    UPDATE plan SET seconds = least(seconds, extract(epoch FROM now() - first) - 1), first = first
      WHERE first + seconds * interval '1 second' > now();
    UPDATE plan SET seconds = greatest(seconds, 0);
    ANALYZE plan`
}

const idOf = (at: string, name: string) => `
  (lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(${name}), 1, 3)
   || '8' || substr(md5(${name}), 4, 15))::uuid`
const eventAt = (k: string) =>
  `date_trunc('milliseconds', p.first + p.seconds * (CASE WHEN p.events > 1 THEN (${k} - 1)::float8 / (p.events - 1) ELSE 0 END) * interval '1 second')`
const eventId = (k: string) => idOf(eventAt(k), `p.n || ' ' || ${k}`)
const stackId = idOf('p.first', "'s' || p.n")

const STACKS = `
  INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id, event_count,
                      severity, label, severity_at, acked_at, dismissed_at)
  SELECT ${stackId}, p.provider, 'key ' || p.n, 'pve-' || p.node, CASE WHEN p.hasguest THEN (100 + p.guest)::text END,
         'Job ' || p.n % 40 || ' on pve-' || p.node, ${eventAt('1')}, ${eventAt('p.events')}, ${eventId('p.events')}, p.events,
         p.severity, 'LABEL', ${eventAt('p.events')}, CASE WHEN p.acked THEN p.first END,
         CASE WHEN p.dismissed THEN p.first END
  FROM plan p ORDER BY p.n`

const WINDOWS = `
  INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
  SELECT ${stackId}, p.provider, 'key ' || p.n, ${eventAt('1')}, ${eventAt('1')} + interval '30 days', 2592000000
  FROM plan p ORDER BY p.n`

function eventsOf(events: number): string {
  const rareEvery = Math.max(1, Math.floor(events / RARE_EVENTS))
  return `
  INSERT INTO events (id, stack_id, provider, external_id, title, start_date, received_at, event_type, severity, label,
                      color, node, vmid, metadata, payload, acked_at, dismissed_at)
  SELECT ${eventId('k')}, ${stackId}, p.provider, NULL, 'Job ' || p.n % 40 || ' on pve-' || p.node, ${eventAt('k')},
         ${eventAt('k')} + interval '1 second', 'alert', CASE WHEN k = p.events THEN p.severity ELSE least(p.severity, 1) END,
         'LABEL', '#888888', 'pve-' || p.node, CASE WHEN p.hasguest THEN (100 + p.guest)::text END,
         json_build_object('NodeName', 'pve-' || p.node, 'VMID', 100 + p.guest, 'severity', 'info', 'Message', concat_ws(' ',
           CASE WHEN p.n % 3 = 0 THEN '${FREQUENT}' ELSE 'replication' END, 'job of', 100 + p.guest, 'on', 'pve-' || p.node,
           'UPID:' || left(md5(p.n::text), 8), a.text, b.text, round((p.n::bigint * 7919 % 99991) / 97.0, 2) || ' GiB', c.text,
           CASE WHEN g.serial % ${PERCENT_EVERY} = 17 THEN '${PERCENT}' END,
           CASE WHEN g.serial % ${MIDDLING_EVERY} = 19 THEN '${MIDDLING}' END,
           CASE WHEN g.serial % ${rareEvery} = ${Math.floor(rareEvery / 2)} THEN '${RARE}' END)),
         json_build_object('title', 'Job'), CASE WHEN p.acked THEN p.first END, CASE WHEN p.dismissed THEN p.first END
  FROM (SELECT p.n, k, (p.n * 3.5 + k)::bigint AS serial FROM plan p CROSS JOIN generate_series(1, p.events) k) g
  JOIN plan p ON p.n = g.n
  JOIN sentence a ON a.n = (g.serial * 7907 + k) % ${SENTENCES}
  JOIN sentence b ON b.n = (g.serial * 104729 + 11 * k) % ${SENTENCES}
  JOIN sentence c ON c.n = (g.serial * 15485863 + 5 * k) % ${SENTENCES}
  ORDER BY p.n, k`
}
