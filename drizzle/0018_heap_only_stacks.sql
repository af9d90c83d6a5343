ALTER TABLE "stacks" ADD COLUMN "altered_tx" "xid8";--> statement-breakpoint
-- For pages and streams that were begun before: what changed last, found by the index that goes.
UPDATE "stacks" SET "altered_tx" = "changed_tx" WHERE "id" IN (SELECT "id" FROM "stacks" ORDER BY "changed_tx" DESC LIMIT 10000);--> statement-breakpoint
DROP INDEX "stacks_changed";--> statement-breakpoint
CREATE INDEX "stacks_altered" ON "stacks" USING btree ("altered_tx") WHERE altered_tx IS NOT NULL;
