-- Words are indexed for a few events at once (docs/adr/0008-reads.md). The server fills both tables anew, in the background.
UPDATE "words_position" SET "position" = NULL, "above" = NULL;
--> statement-breakpoint
TRUNCATE "event_words";
--> statement-breakpoint
CREATE TABLE "word_groups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"spans" integer[] NOT NULL,
	"event_ids" uuid[] NOT NULL,
	"words" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "event_words_body";--> statement-breakpoint
ALTER TABLE "event_words" ADD COLUMN "group_id" uuid NOT NULL;--> statement-breakpoint
ALTER TABLE "event_words" DROP COLUMN "spans";--> statement-breakpoint
CREATE INDEX "word_groups_words" ON "word_groups" USING gin ("spans","words" gin_trgm_ops);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION count_deleted_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  touched uuid[];
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, -count(*), max(received_at)
  FROM removed WHERE derived_from IS NULL GROUP BY 1, 2, 3;
  WITH gone AS (
    DELETE FROM public.event_words WHERE event_id IN (SELECT id FROM removed) RETURNING group_id)
  SELECT array_agg(DISTINCT group_id) INTO touched FROM gone;
  DELETE FROM public.word_groups g WHERE g.id = ANY (touched) AND NOT EXISTS (
    SELECT FROM public.event_words w WHERE w.event_id = ANY (g.event_ids) AND w.group_id = g.id);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION forget_truncated_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE public.count_changes, public.span_counts, public.provider_counts, public.event_words, public.word_groups;
  RETURN NULL;
END $$;
