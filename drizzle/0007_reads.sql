CREATE TABLE "count_changes" (
	"provider" text NOT NULL,
	"bucket" timestamp (3) with time zone NOT NULL,
	"severity" smallint NOT NULL,
	"count" integer NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "event_words" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"spans" integer[] NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_counts" (
	"provider" text PRIMARY KEY NOT NULL,
	"events" bigint NOT NULL,
	"last_received_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "span_counts" (
	"minutes" smallint NOT NULL,
	"provider" text NOT NULL,
	"bucket" timestamp (3) with time zone NOT NULL,
	"ok" integer NOT NULL,
	"info" integer NOT NULL,
	"warning" integer NOT NULL,
	"error" integer NOT NULL,
	"critical" integer NOT NULL,
	CONSTRAINT "span_counts_minutes_provider_bucket_pk" PRIMARY KEY("minutes","provider","bucket")
);
--> statement-breakpoint
CREATE TABLE "words_position" (
	"id" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"position" text,
	"above" uuid,
	CONSTRAINT "words_position_one" CHECK (id)
);
--> statement-breakpoint
DROP INDEX "events_active";--> statement-breakpoint
DROP INDEX "stacks_active";--> statement-breakpoint
DROP INDEX "stacks_acked";--> statement-breakpoint
DROP INDEX "stacks_dismissed";--> statement-breakpoint
DROP INDEX "stacks_severe";--> statement-breakpoint
DROP INDEX "events_node";--> statement-breakpoint
DROP INDEX "stacks_node";--> statement-breakpoint
CREATE INDEX "event_words_body" ON "event_words" USING gin ("spans","body" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "events_lane" ON "events" USING btree ((CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 ELSE 0 END + severity),"start_date","id");--> statement-breakpoint
CREATE INDEX "events_provider" ON "events" USING btree ("provider",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 ELSE 0 END + severity),"start_date","id");--> statement-breakpoint
CREATE INDEX "events_vmid" ON "events" USING btree ("vmid",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 ELSE 0 END + severity),"start_date","id") WHERE vmid IS NOT NULL;--> statement-breakpoint
CREATE INDEX "stacks_lane" ON "stacks" USING btree ((CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 WHEN resolved THEN 5 ELSE 0 END + severity),"last_event_at","id");--> statement-breakpoint
CREATE INDEX "stacks_provider" ON "stacks" USING btree ("provider",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 WHEN resolved THEN 5 ELSE 0 END + severity),"last_event_at","id");--> statement-breakpoint
CREATE INDEX "stacks_vmid" ON "stacks" USING btree ("vmid",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 WHEN resolved THEN 5 ELSE 0 END + severity),"last_event_at","id") WHERE vmid IS NOT NULL;--> statement-breakpoint
CREATE INDEX "stacks_span" ON "stacks" USING btree ((CASE WHEN last_event_at - first_event_at < interval '1 hours' THEN 0 WHEN last_event_at - first_event_at < interval '6 hours' THEN 1 WHEN last_event_at - first_event_at < interval '24 hours' THEN 2 WHEN last_event_at - first_event_at < interval '168 hours' THEN 3 WHEN last_event_at - first_event_at < interval '720 hours' THEN 4 ELSE 5 END),"last_event_at","id") WHERE first_event_at < last_event_at;--> statement-breakpoint
CREATE INDEX "events_node" ON "events" USING btree ("node",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 ELSE 0 END + severity),"start_date","id");--> statement-breakpoint
CREATE INDEX "stacks_node" ON "stacks" USING btree ("node",(CASE WHEN dismissed_at IS NOT NULL THEN 15 WHEN acked_at IS NOT NULL THEN 10 WHEN resolved THEN 5 ELSE 0 END + severity),"last_event_at","id");