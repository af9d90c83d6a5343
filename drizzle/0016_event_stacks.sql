ALTER TABLE "events" DROP CONSTRAINT "events_stack_id_stacks_id_fk";--> statement-breakpoint
-- What a statement takes for granted: fails like any race, so that the writer begins again with what is there now.
CREATE FUNCTION require_undisturbed(ok boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF ok THEN
    RETURN true;
  END IF;
  RAISE EXCEPTION 'somebody else has changed what this statement builds on' USING ERRCODE = 'serialization_failure';
END $$;
