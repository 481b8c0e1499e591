-- What is or was wrong with a device; closed is null while it is.
CREATE TABLE alerts (
    number bigint PRIMARY KEY, device text NOT NULL REFERENCES devices (id), product text NOT NULL, kind text NOT NULL,
    opened bigint NOT NULL, closed bigint, detail text NOT NULL);
CREATE UNIQUE INDEX alerts_open ON alerts (device, kind) WHERE closed IS NULL;
CREATE INDEX alerts_by_device ON alerts (device, number);
CREATE INDEX alerts_by_closed ON alerts (closed);
INSERT INTO counters (name, value) VALUES ('alert', 0), ('outbox', 0);

-- When this server ran: a device cannot have missed it while it did not.
CREATE TABLE server_runs (started bigint PRIMARY KEY, alive bigint NOT NULL);

-- Who is told of what; the signing secret is derived, never stored. queued counts the rows of the outbox.
CREATE TABLE webhooks (
    id text PRIMARY KEY, product text NOT NULL REFERENCES products (name), url text NOT NULL, events text NOT NULL,
    created bigint NOT NULL, created_by text NOT NULL, disabled bigint, queued bigint NOT NULL, given_up bigint NOT NULL,
    last_delivered bigint, last_failed bigint, last_error text);
CREATE INDEX webhooks_by_product ON webhooks (product);
-- What is still to be told; written with the event itself, deleted when the receiver has taken it.
CREATE TABLE webhook_outbox (
    number bigint PRIMARY KEY, webhook text NOT NULL REFERENCES webhooks (id), event text NOT NULL, body text NOT NULL,
    created bigint NOT NULL, due bigint NOT NULL, attempts bigint NOT NULL);
CREATE INDEX webhook_outbox_by_age ON webhook_outbox (webhook, number);
CREATE INDEX webhook_outbox_by_due ON webhook_outbox (webhook, due);
