CREATE TABLE "episode_events" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"episode_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "episodes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"key" text NOT NULL,
	"title" text NOT NULL,
	"node" text,
	"vmid" text,
	"job_id" text,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"last_event_at" timestamp (3) with time zone NOT NULL,
	"last_event_id" uuid NOT NULL,
	"event_count" integer NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"closed_by" text,
	"close_reason" text
);
--> statement-breakpoint
ALTER TABLE "episode_events" ADD CONSTRAINT "episode_events_episode_id_episodes_id_fk" FOREIGN KEY ("episode_id") REFERENCES "public"."episodes"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "episode_events_episode" ON "episode_events" USING btree ("episode_id");--> statement-breakpoint
CREATE UNIQUE INDEX "episodes_open" ON "episodes" USING btree ("provider","key") WHERE closed_at IS NULL;--> statement-breakpoint
CREATE INDEX "episodes_key" ON "episodes" USING btree ("provider","key");--> statement-breakpoint
CREATE INDEX "episodes_last" ON "episodes" USING btree ("last_event_at","id");