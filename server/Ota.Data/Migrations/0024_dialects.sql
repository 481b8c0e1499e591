-- Clients that were not written for this server: the dialect they are spoken to in, what they check of an image before they run it, the hash
-- that they last said they run, and whether the timeline says that their product gives them no updates.
ALTER TABLE devices ADD COLUMN dialect text;
ALTER TABLE devices ADD COLUMN protection text;
ALTER TABLE devices ADD COLUMN told_image text;
ALTER TABLE devices ADD COLUMN shut_out bigint NOT NULL DEFAULT 0;
-- Whether a client is enrolled that knows the product's dialect key, and what clients must check at least.
ALTER TABLE products ADD COLUMN dialect_enrollment bigint NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN least_protection text;
-- How often the image was fetched to its last byte, and whether a client without orders is recovered.
ALTER TABLE deployments ADD COLUMN fetches bigint NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN two_step bigint NOT NULL DEFAULT 0;
