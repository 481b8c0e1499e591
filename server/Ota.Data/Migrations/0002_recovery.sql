-- Deployments that recover or decommission: what they ask for, until when, and that a decommission has no release.
CREATE TABLE deployments_of_all_kinds (
    id bigint PRIMARY KEY, rollout bigint REFERENCES rollouts (id), device text NOT NULL REFERENCES devices (id),
    product text NOT NULL, release text REFERENCES releases (id), state text NOT NULL, detail text,
    created bigint NOT NULL, created_by text NOT NULL, offered bigint, ended bigint,
    order_number bigint NOT NULL, order_issued bigint NOT NULL, order_expires bigint NOT NULL,
    action text NOT NULL, reason text, deadline bigint, first_order bigint NOT NULL, returns text, transfer_to text);
INSERT INTO deployments_of_all_kinds
    SELECT id, rollout, device, product, release, state, detail, created, created_by, offered, ended,
           order_number, order_issued, order_expires, 'install', NULL, NULL, 0, NULL, NULL FROM deployments;
DROP TABLE deployments;
ALTER TABLE deployments_of_all_kinds RENAME TO deployments;
CREATE INDEX deployments_by_device ON deployments (device, id);
CREATE INDEX deployments_by_release ON deployments (release, ended);
CREATE INDEX deployments_by_rollout ON deployments (rollout, state);
CREATE INDEX deployments_by_action ON deployments (action, created);
-- At most one open deployment a device, whatever races.
CREATE UNIQUE INDEX deployments_open ON deployments (device) WHERE ended IS NULL;

-- The decommission that ended its identity; null while it has one.
ALTER TABLE devices ADD COLUMN decommission bigint;
