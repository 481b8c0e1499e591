-- How long a product's image files stay: the newest so many releases, and any for so many days; null: for ever.
ALTER TABLE products ADD COLUMN retention_keep bigint;
ALTER TABLE products ADD COLUMN retention_days bigint;
-- When the file was given up; the rows that name it, statement, hash and audit stay.
ALTER TABLE images ADD COLUMN deleted bigint;
-- When a device or a rollout was last seen to need the release's image.
ALTER TABLE releases ADD COLUMN needed bigint;
CREATE INDEX releases_by_image ON releases (image);
-- Until when a device may still carry out an order for a release.
CREATE INDEX orders_by_release ON orders (release, expires);

-- What a device ran, confirmed, before what it runs now: what it may fall back to.
ALTER TABLE devices ADD COLUMN before_running text;
ALTER TABLE devices ADD COLUMN before_release text;
UPDATE devices SET before_release = (
    SELECT d.release FROM deployments d
    WHERE d.device = devices.id AND d.action = 'install' AND d.state = 'confirmed' AND (d.release <> devices.release OR devices.release IS NULL)
    ORDER BY d.id DESC LIMIT 1);
UPDATE devices SET before_running = (SELECT r.version FROM releases r WHERE r.id = devices.before_release)
WHERE before_release IS NOT NULL;
