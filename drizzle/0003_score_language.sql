ALTER TABLE "events" ADD COLUMN "session_role" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "session_key" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "session_ms" bigint;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "closed_severity" smallint;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "current_state" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "stack_title" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "indicator" json;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "tags" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "surface" text DEFAULT 'timeline' NOT NULL;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "progress" json;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "stack_title" text;--> statement-breakpoint
ALTER TABLE "stacks" ADD COLUMN "current_state" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "events_session" ON "events" USING btree ("provider","session_key","start_date","id") WHERE session_key IS NOT NULL;