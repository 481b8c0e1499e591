-- Below this signal (dBm) a device's download waits for a better hour, for so many days at most; null: it never waits.
ALTER TABLE products ADD COLUMN weak_signal bigint;
ALTER TABLE products ADD COLUMN weak_signal_days bigint;
-- Since when a deployment waits for a better signal; null: it never did.
ALTER TABLE deployments ADD COLUMN deferred bigint;
