CREATE TABLE "backup_reports" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"cluster" text NOT NULL,
	"node" text,
	"job_id" text,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone NOT NULL,
	"incomplete" boolean NOT NULL,
	"reason" text
);
--> statement-breakpoint
CREATE TABLE "guest_backups" (
	"id" uuid PRIMARY KEY NOT NULL,
	"report_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"cluster" text NOT NULL,
	"node" text,
	"vmid" text NOT NULL,
	"name" text,
	"status" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"duration_seconds" integer,
	"size_bytes" bigint,
	"file" text,
	"job_id" text,
	"log" text,
	CONSTRAINT "guest_backups_status" CHECK (status IN ('ok', 'failed', 'aborted', 'unparsed'))
);
--> statement-breakpoint
CREATE TABLE "guests" (
	"cluster" text NOT NULL,
	"vmid" text NOT NULL,
	"name" text,
	"node" text,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"last_success_at" timestamp (3) with time zone,
	"last_status" text,
	CONSTRAINT "guests_cluster_vmid_pk" PRIMARY KEY("cluster","vmid")
);
--> statement-breakpoint
CREATE TABLE "heartbeats" (
	"id" uuid PRIMARY KEY NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "page_sessions" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"token_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "parkings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"cluster" text NOT NULL,
	"vmid" text NOT NULL,
	"reason" text NOT NULL,
	"by" text NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "rhythms" (
	"cluster" text NOT NULL,
	"job_id" text NOT NULL,
	"rhythm" text NOT NULL,
	"by" text NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "rhythms_cluster_job_id_pk" PRIMARY KEY("cluster","job_id")
);
--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "facts" json;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "derived_from" uuid;--> statement-breakpoint
ALTER TABLE "quarantine" ADD COLUMN "defaults" json DEFAULT '{}'::json NOT NULL;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "defaults" json DEFAULT '{}'::json NOT NULL;--> statement-breakpoint
ALTER TABLE "guest_backups" ADD CONSTRAINT "guest_backups_report_id_backup_reports_event_id_fk" FOREIGN KEY ("report_id") REFERENCES "public"."backup_reports"("event_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "backup_reports_job" ON "backup_reports" USING btree ("cluster","job_id","ended_at");--> statement-breakpoint
CREATE INDEX "guest_backups_started" ON "guest_backups" USING btree ("started_at","id");--> statement-breakpoint
CREATE INDEX "guest_backups_guest" ON "guest_backups" USING btree ("cluster","vmid","started_at");--> statement-breakpoint
CREATE INDEX "guest_backups_report" ON "guest_backups" USING btree ("report_id");--> statement-breakpoint
CREATE INDEX "guest_backups_event" ON "guest_backups" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "heartbeats_to" ON "heartbeats" USING btree ("to_at");--> statement-breakpoint
CREATE INDEX "parkings_guest" ON "parkings" USING btree ("cluster","vmid","from_at");