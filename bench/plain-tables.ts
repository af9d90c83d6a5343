/**
 * What somebody would write who needs only the outcome: an event in its stack, in two tables like ours with their keys
 * and the index that each list needs. pgbench and Node-RED run it, one event a transaction.
 */
export const PLAIN_TABLES = `
CREATE TABLE stacks (
  id uuid PRIMARY KEY,
  provider text NOT NULL,
  key text NOT NULL,
  node text,
  vmid text,
  title text NOT NULL,
  first_event_at timestamptz NOT NULL,
  last_event_at timestamptz NOT NULL,
  latest_event_id uuid NOT NULL,
  event_count integer NOT NULL,
  UNIQUE (provider, key)
);
CREATE INDEX stacks_last ON stacks (last_event_at, id);
CREATE TABLE events (
  id uuid PRIMARY KEY,
  stack_id uuid NOT NULL REFERENCES stacks (id),
  provider text NOT NULL,
  title text NOT NULL,
  start_date timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  event_type text NOT NULL,
  severity text NOT NULL,
  node text,
  vmid text,
  metadata json NOT NULL
);
CREATE INDEX events_stack ON events (stack_id, start_date, id);
CREATE INDEX events_start ON events (start_date, id);
-- PostgreSQL has it since 18.
DO $$ BEGIN
  IF to_regprocedure('uuidv7()') IS NULL THEN
    CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
  END IF;
END $$;
`

export type Values = {
  node: string
  vmid: string
  title: string
  startDate: string
  severity: string
  metadata: string
}

/** The statement, with SQL for each value. */
export function plainInsert({ node, vmid, title, startDate, severity, metadata }: Values): string {
  return `
WITH stack AS (
  INSERT INTO stacks AS s (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id, event_count)
  VALUES (uuidv7(), 'com.proxmox', ${node} || '/' || ${vmid}, ${node}, ${vmid}, ${title}, ${startDate}, ${startDate}, uuidv7(), 1)
  ON CONFLICT (provider, key) DO UPDATE SET
    title = excluded.title,
    last_event_at = greatest(s.last_event_at, excluded.last_event_at),
    latest_event_id = excluded.latest_event_id,
    event_count = s.event_count + 1
  RETURNING id, latest_event_id
)
INSERT INTO events (id, stack_id, provider, title, start_date, event_type, severity, node, vmid, metadata)
SELECT latest_event_id, id, 'com.proxmox', ${title}, ${startDate}, 'alert', ${severity}, ${node}, ${vmid}, ${metadata}
FROM stack
RETURNING id`
}
