-- How a device says what it runs, as its last check-in did: 0 our agent (or not asked since this column came), 1 by naming a version or an image,
-- 2 not at all.
ALTER TABLE devices ADD COLUMN tells bigint NOT NULL DEFAULT 0;
