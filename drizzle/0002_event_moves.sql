CREATE TABLE "event_moves" (
	"event_id" uuid NOT NULL,
	"stack_id" uuid NOT NULL,
	"start_date" timestamp (3) with time zone NOT NULL,
	"placed_tx" "xid8" NOT NULL,
	"moved_tx" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"moved_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "event_moves_event_id_moved_tx_pk" PRIMARY KEY("event_id","moved_tx")
);
--> statement-breakpoint
ALTER TABLE "events" RENAME COLUMN "created_tx" TO "placed_tx";--> statement-breakpoint
ALTER TABLE "event_moves" ADD CONSTRAINT "event_moves_event_id_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."events"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "event_moves_stack" ON "event_moves" USING btree ("stack_id");--> statement-breakpoint
CREATE INDEX "event_moves_moved" ON "event_moves" USING btree ("moved_tx");--> statement-breakpoint
ALTER TABLE "stacks" DROP COLUMN "created_tx";