-- What is derived from an event that was received, such as the guests of a backup report, counts once: as that event.
CREATE OR REPLACE FUNCTION count_inserted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, count(*), max(received_at)
  FROM added WHERE derived_from IS NULL GROUP BY 1, 2, 3;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION count_updated_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, bucket, severity, sum(n), max(received_at) FROM (
    SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00') AS bucket, severity, 1 AS n, received_at
    FROM added WHERE derived_from IS NULL
    UNION ALL
    SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, -1, received_at
    FROM removed WHERE derived_from IS NULL) changed
  GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION count_deleted_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.count_changes (provider, bucket, severity, count, received_at)
  SELECT provider, date_bin('15 minutes', start_date, '0001-01-01 00:00+00'), severity, -count(*), max(received_at)
  FROM removed WHERE derived_from IS NULL GROUP BY 1, 2, 3;
  DELETE FROM public.event_words WHERE event_id IN (SELECT id FROM removed);
  RETURN NULL;
END $$;
