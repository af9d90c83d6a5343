CREATE INDEX "events_active" ON "events" USING btree ("start_date","id") WHERE dismissed_at IS NULL;--> statement-breakpoint
CREATE INDEX "events_node" ON "events" USING btree ("node","start_date","id");--> statement-breakpoint
CREATE INDEX "stacks_active" ON "stacks" USING btree ("last_event_at","id") WHERE dismissed_at IS NULL;--> statement-breakpoint
CREATE INDEX "stacks_acked" ON "stacks" USING btree ("last_event_at","id") WHERE acked_at IS NOT NULL AND dismissed_at IS NULL;--> statement-breakpoint
CREATE INDEX "stacks_dismissed" ON "stacks" USING btree ("last_event_at","id") WHERE dismissed_at IS NOT NULL;