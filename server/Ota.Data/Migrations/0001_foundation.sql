-- Times are UTC milliseconds. Lists are JSON text.
CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO counters (name, value) VALUES ('instruction', 0), ('audit', 0), ('timeline', 0);

CREATE TABLE staff_keys (
    id text PRIMARY KEY, name text NOT NULL, role text NOT NULL, hash text NOT NULL,
    created bigint NOT NULL, created_by text NOT NULL, revoked bigint);

CREATE TABLE audit (
    number bigint PRIMARY KEY, at bigint NOT NULL, who text NOT NULL, action text NOT NULL, subject text NOT NULL, detail text);
-- for sqlite
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps_text BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- for postgresql
CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps();
-- for both

CREATE TABLE products (
    name text PRIMARY KEY, hardware text NOT NULL, poll text NOT NULL, enrollment_generation bigint NOT NULL,
    key_counter bigint NOT NULL, created bigint NOT NULL, created_by text NOT NULL);
CREATE TABLE release_keys (
    product text NOT NULL REFERENCES products (name), id text NOT NULL, pem text NOT NULL, position bigint NOT NULL,
    PRIMARY KEY (product, id));
CREATE TABLE key_statements (
    product text NOT NULL REFERENCES products (name), counter bigint NOT NULL, statement text NOT NULL, received bigint NOT NULL,
    PRIMARY KEY (product, counter));

CREATE TABLE images (sha256 text PRIMARY KEY, md5 text NOT NULL, size bigint NOT NULL, format text NOT NULL, stored bigint NOT NULL);
CREATE TABLE releases (
    id text PRIMARY KEY, product text NOT NULL REFERENCES products (name), version text NOT NULL, kind text NOT NULL,
    hardware text NOT NULL, security_counter bigint NOT NULL, channel text NOT NULL, notes text, statement text NOT NULL,
    image text NOT NULL REFERENCES images (sha256), image_says text NOT NULL, signed_by text NOT NULL, created bigint NOT NULL,
    uploaded bigint NOT NULL, uploaded_by text NOT NULL, withdrawn bigint, withdrawn_reason text);
-- One build for each version, kind and hardware: the row that refuses "the same version with other bytes".
CREATE TABLE release_builds (
    product text NOT NULL, version text NOT NULL, kind text NOT NULL, hardware text NOT NULL,
    release text NOT NULL REFERENCES releases (id), PRIMARY KEY (product, version, kind, hardware));

CREATE TABLE devices (
    id text PRIMARY KEY, product text NOT NULL REFERENCES products (name), hardware_id text NOT NULL, hardware text NOT NULL,
    group_name text, generation bigint NOT NULL, enrolled bigint NOT NULL, checked_in bigint NOT NULL, handed_over bigint NOT NULL,
    running text NOT NULL, release text, slot text NOT NULL, security_counter bigint NOT NULL, last_order bigint NOT NULL,
    order_number bigint NOT NULL, instruction bigint NOT NULL, state text NOT NULL,
    last_seen bigint, next_check_in bigint, restart_cause text, restart_at bigint NOT NULL, restarts bigint NOT NULL,
    uptime bigint NOT NULL, rssi bigint NOT NULL, free_memory bigint NOT NULL,
    UNIQUE (product, hardware_id));

CREATE TABLE rollouts (
    id bigint PRIMARY KEY, product text NOT NULL REFERENCES products (name), version text NOT NULL, kind text NOT NULL,
    hardware text, target text NOT NULL, group_name text, state text NOT NULL, created bigint NOT NULL, created_by text NOT NULL,
    ended bigint);
CREATE TABLE deployments (
    id bigint PRIMARY KEY, rollout bigint REFERENCES rollouts (id), device text NOT NULL REFERENCES devices (id),
    product text NOT NULL, release text NOT NULL REFERENCES releases (id), state text NOT NULL, detail text,
    created bigint NOT NULL, created_by text NOT NULL, offered bigint, ended bigint,
    order_number bigint NOT NULL, order_issued bigint NOT NULL, order_expires bigint NOT NULL);
CREATE INDEX deployments_by_device ON deployments (device, id);
CREATE INDEX deployments_by_release ON deployments (release, ended);
CREATE INDEX deployments_by_rollout ON deployments (rollout, state);
-- At most one open deployment a device, whatever races.
CREATE UNIQUE INDEX deployments_open ON deployments (device) WHERE ended IS NULL;

-- Every order ever handed out; written before it is.
CREATE TABLE orders (
    device text NOT NULL REFERENCES devices (id), number bigint NOT NULL, deployment text NOT NULL, action text NOT NULL,
    release text, issued bigint NOT NULL, expires bigint NOT NULL, PRIMARY KEY (device, number));
CREATE TABLE reports (
    device text NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, deployment text NOT NULL, state text NOT NULL, detail text,
    received bigint NOT NULL, PRIMARY KEY (device, seq))
-- for sqlite
    WITHOUT ROWID
-- for both
    ;
CREATE TABLE timeline (
    number bigint PRIMARY KEY, device text NOT NULL, at bigint NOT NULL, kind text NOT NULL, text text NOT NULL, who text);
CREATE INDEX timeline_by_device ON timeline (device, number);
