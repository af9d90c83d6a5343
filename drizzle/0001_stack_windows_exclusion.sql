-- Intervals of one provider and key never overlap, whoever writes (docs/adr/0002-time-and-stacks.md).
CREATE EXTENSION IF NOT EXISTS btree_gist;
--> statement-breakpoint
ALTER TABLE "stack_windows" ADD CONSTRAINT "stack_windows_no_overlap"
  EXCLUDE USING gist ("provider" WITH =, "key" WITH =, tstzrange("opened_at", "closes_at") WITH &&)
  DEFERRABLE INITIALLY IMMEDIATE;
