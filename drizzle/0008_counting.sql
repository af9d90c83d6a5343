-- Counts follow the events, whoever writes them (docs/adr/0008-reads.md). Statements only add rows to count_changes; the
-- server sums them up. Names are written out, as a restore of the rows alone runs without a search path.
CREATE FUNCTION count_inserted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, count(*), max(received_at)
  FROM added GROUP BY 1, 2, 3;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION count_updated_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, bucket, severity, sum(n), max(received_at) FROM (
    SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00') AS bucket, severity, 1 AS n, received_at
    FROM added
    UNION ALL
    SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, -1, received_at
    FROM removed) changed
  GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION count_deleted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, -count(*), max(received_at)
  FROM removed GROUP BY 1, 2, 3;
  DELETE FROM public.event_words WHERE event_id IN (SELECT id FROM removed);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION forget_truncated_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE public.count_changes, public.span_counts, public.provider_counts, public.event_words;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER events_count_inserted AFTER INSERT ON events
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_events();
--> statement-breakpoint
CREATE TRIGGER events_count_updated AFTER UPDATE ON events
  REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_updated_events();
--> statement-breakpoint
CREATE TRIGGER events_count_deleted AFTER DELETE ON events
  REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_events();
--> statement-breakpoint
CREATE TRIGGER events_forget_truncated AFTER TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION forget_truncated_events();
--> statement-breakpoint
INSERT INTO count_changes (provider, bucket, severity, count, received_at)
SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, count(*), max(received_at)
FROM events GROUP BY 1, 2, 3;
--> statement-breakpoint
INSERT INTO words_position DEFAULT VALUES;
