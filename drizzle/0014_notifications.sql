CREATE TABLE "attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"message_id" uuid NOT NULL,
	"channel_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"duration_ms" integer NOT NULL,
	"result" text NOT NULL,
	"status" integer,
	"request" text NOT NULL,
	"answer" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "channel_stacks" (
	"channel_id" uuid NOT NULL,
	"stack_id" uuid NOT NULL,
	"told_at" timestamp (3) with time zone NOT NULL,
	"severity" smallint NOT NULL,
	"is_open" boolean NOT NULL,
	"reminders" smallint NOT NULL,
	"remind_at" timestamp (3) with time zone,
	CONSTRAINT "channel_stacks_channel_id_stack_id_pk" PRIMARY KEY("channel_id","stack_id")
);
--> statement-breakpoint
CREATE TABLE "channel_states" (
	"channel_id" uuid PRIMARY KEY NOT NULL,
	"lease_id" uuid,
	"lease_until" timestamp (3) with time zone,
	"formed_at" timestamp (3) with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"failing_since" timestamp (3) with time zone,
	"last_sent_at" timestamp (3) with time zone,
	"last_answer" text
);
--> statement-breakpoint
CREATE TABLE "channels" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"enabled" boolean NOT NULL,
	"settings" json NOT NULL,
	"secrets" "bytea",
	"managed_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" uuid PRIMARY KEY NOT NULL,
	"channel_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"because" text,
	"title" text NOT NULL,
	"severity" smallint NOT NULL,
	"events" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"next_try_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "messages_state" CHECK (state IN ('open', 'sent', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"channel_id" uuid NOT NULL,
	"cause" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"stack_id" uuid NOT NULL,
	"occasion" text NOT NULL,
	"severity" smallint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"state" text DEFAULT 'waiting' NOT NULL,
	"reason" text,
	"message_id" uuid,
	CONSTRAINT "outbox_channel_id_cause_pk" PRIMARY KEY("channel_id","cause"),
	CONSTRAINT "outbox_state" CHECK (state IN ('waiting', 'taken', 'held'))
);
--> statement-breakpoint
CREATE TABLE "silences" (
	"id" uuid PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone NOT NULL,
	"channels" uuid[] NOT NULL,
	"providers" text[] NOT NULL,
	"nodes" text[] NOT NULL,
	"vmids" text[] NOT NULL,
	"match" json NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "hmac_secret" "bytea";--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "channel_stacks" ADD CONSTRAINT "channel_stacks_channel_id_channels_id_fk" FOREIGN KEY ("channel_id") REFERENCES "public"."channels"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "channel_states" ADD CONSTRAINT "channel_states_channel_id_channels_id_fk" FOREIGN KEY ("channel_id") REFERENCES "public"."channels"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_channel_id_channels_id_fk" FOREIGN KEY ("channel_id") REFERENCES "public"."channels"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempts_channel" ON "attempts" USING btree ("channel_id","id");--> statement-breakpoint
CREATE INDEX "attempts_message" ON "attempts" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "channel_stacks_stack" ON "channel_stacks" USING btree ("stack_id");--> statement-breakpoint
CREATE INDEX "channel_stacks_remind" ON "channel_stacks" USING btree ("channel_id","remind_at") WHERE remind_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "channel_stacks_told" ON "channel_stacks" USING btree ("told_at");--> statement-breakpoint
CREATE UNIQUE INDEX "channels_name" ON "channels" USING btree ("name");--> statement-breakpoint
CREATE INDEX "messages_channel" ON "messages" USING btree ("channel_id","id");--> statement-breakpoint
CREATE INDEX "messages_open" ON "messages" USING btree ("channel_id","id") WHERE state = 'open';--> statement-breakpoint
CREATE INDEX "messages_finished" ON "messages" USING btree ("finished_at");--> statement-breakpoint
CREATE INDEX "outbox_waiting" ON "outbox" USING btree ("channel_id","due_at") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "outbox_message" ON "outbox" USING btree ("message_id") WHERE message_id IS NOT NULL;