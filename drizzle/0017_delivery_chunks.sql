CREATE TABLE "delivery_chunks" (
	"first_id" uuid NOT NULL,
	"last_id" uuid PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"body" text NOT NULL
);
--> statement-breakpoint
-- Apart from the row, as whoever looks for one reads many, and not compressed, which costs more than it saves.
ALTER TABLE "delivery_chunks" ALTER COLUMN "body" SET STORAGE EXTERNAL;
