CREATE TABLE "retention_progress" (
	"name" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"snapshot" text NOT NULL,
	"saved_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "event_moves" DROP CONSTRAINT "event_moves_event_id_events_id_fk";
