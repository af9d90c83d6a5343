CREATE TABLE "scores" (
	"provider" text PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"updated_by" text NOT NULL
);
