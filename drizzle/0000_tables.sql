CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"path" text NOT NULL,
	"address" text NOT NULL,
	"user_agent" text,
	"token_id" uuid,
	"token_name" text,
	"provider" text,
	"status" smallint NOT NULL,
	"reason" text,
	"duration_ms" real NOT NULL,
	"bytes" integer,
	"event_id" uuid,
	"quarantine_id" uuid,
	"authenticated" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"stack_id" uuid NOT NULL,
	"provider" text NOT NULL,
	"external_id" text,
	"title" text NOT NULL,
	"subtitle" text,
	"start_date" timestamp (3) with time zone NOT NULL,
	"end_date" timestamp (3) with time zone,
	"received_at" timestamp (3) with time zone NOT NULL,
	"event_type" text NOT NULL,
	"severity" smallint NOT NULL,
	"label" text NOT NULL,
	"color" text NOT NULL,
	"node" text,
	"vmid" text,
	"metadata" json NOT NULL,
	"payload" json NOT NULL,
	"acked_at" timestamp (3) with time zone,
	"dismissed_at" timestamp (3) with time zone,
	"created_tx" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"changed_tx" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "events_severity" CHECK (severity BETWEEN 0 AND 4)
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"token_id" uuid NOT NULL,
	"key" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"answer" json NOT NULL,
	CONSTRAINT "idempotency_token_id_key_pk" PRIMARY KEY("token_id","key")
);
--> statement-breakpoint
CREATE TABLE "quarantine" (
	"id" uuid PRIMARY KEY NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"path" text NOT NULL,
	"address" text NOT NULL,
	"content_type" text,
	"token_id" uuid,
	"token_name" text NOT NULL,
	"providers" text[] NOT NULL,
	"body" "bytea" NOT NULL,
	"bytes" integer NOT NULL,
	"problem" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stack_windows" (
	"stack_id" uuid PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"key" text NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"closes_at" timestamp (3) with time zone,
	"window_ms" bigint,
	CONSTRAINT "stack_windows_not_empty" CHECK (closes_at IS NULL OR closes_at > opened_at)
);
--> statement-breakpoint
CREATE TABLE "stacks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"key" text,
	"node" text,
	"vmid" text,
	"title" text NOT NULL,
	"first_event_at" timestamp (3) with time zone NOT NULL,
	"last_event_at" timestamp (3) with time zone NOT NULL,
	"latest_event_id" uuid NOT NULL,
	"event_count" integer NOT NULL,
	"severity" smallint NOT NULL,
	"label" text NOT NULL,
	"severity_at" timestamp (3) with time zone NOT NULL,
	"resolved" boolean DEFAULT false NOT NULL,
	"acked_at" timestamp (3) with time zone,
	"dismissed_at" timestamp (3) with time zone,
	"created_tx" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"changed_tx" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "stacks_not_empty" CHECK (event_count > 0),
	CONSTRAINT "stacks_severity" CHECK (severity BETWEEN 0 AND 4),
	CONSTRAINT "stacks_span" CHECK (first_event_at <= last_event_at)
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"providers" text[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_stack_id_stacks_id_fk" FOREIGN KEY ("stack_id") REFERENCES "public"."stacks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stack_windows" ADD CONSTRAINT "stack_windows_stack_id_stacks_id_fk" FOREIGN KEY ("stack_id") REFERENCES "public"."stacks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deliveries_event" ON "deliveries" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "deliveries_stranger" ON "deliveries" USING btree ("id") WHERE NOT authenticated;--> statement-breakpoint
CREATE INDEX "events_stack" ON "events" USING btree ("stack_id","start_date","id");--> statement-breakpoint
CREATE INDEX "events_start" ON "events" USING btree ("start_date","id");--> statement-breakpoint
CREATE UNIQUE INDEX "events_external" ON "events" USING btree ("provider","external_id") WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "events_changed" ON "events" USING btree ("changed_tx");--> statement-breakpoint
CREATE INDEX "idempotency_created" ON "idempotency" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "stack_windows_series" ON "stack_windows" USING btree ("provider","key","opened_at");--> statement-breakpoint
CREATE INDEX "stacks_last" ON "stacks" USING btree ("last_event_at","id");--> statement-breakpoint
CREATE INDEX "stacks_node" ON "stacks" USING btree ("node","last_event_at","id");--> statement-breakpoint
CREATE INDEX "stacks_severe" ON "stacks" USING btree ("severity","last_event_at","id") WHERE severity >= 2;--> statement-breakpoint
CREATE INDEX "stacks_changed" ON "stacks" USING btree ("changed_tx");--> statement-breakpoint
CREATE UNIQUE INDEX "tokens_hash" ON "tokens" USING btree ("hash");