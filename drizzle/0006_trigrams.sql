-- Words are found by their trigrams (docs/adr/0008-reads.md). The owner of a database may create this extension.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
