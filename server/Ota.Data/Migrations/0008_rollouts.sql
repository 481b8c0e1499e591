-- The plan of a rollout as JSON of what was asked for; null: one wave, at once. wave is the open one, counted from 1, and 0 before the start;
-- changed is when it was opened or the state last changed, forgiven when somebody resumed it although it had stopped itself.
ALTER TABLE rollouts ADD COLUMN plan text;
ALTER TABLE rollouts ADD COLUMN wave bigint NOT NULL DEFAULT 1;
ALTER TABLE rollouts ADD COLUMN starts bigint;
ALTER TABLE rollouts ADD COLUMN changed bigint;
ALTER TABLE rollouts ADD COLUMN forgiven bigint;
ALTER TABLE rollouts ADD COLUMN state_reason text;
CREATE TABLE rollout_waves (
    rollout bigint NOT NULL REFERENCES rollouts (id), wave bigint NOT NULL, opened bigint NOT NULL, PRIMARY KEY (rollout, wave));
-- How many devices a rollout by numbers of devices has let in. Apart from the rollout's row, whose changes every server takes over.
CREATE TABLE rollout_begun (rollout bigint PRIMARY KEY REFERENCES rollouts (id), begun bigint NOT NULL);

-- The wave that was open when it began; and whether it brings what the rollout is for, a step on the way there, or the device back.
ALTER TABLE deployments ADD COLUMN wave bigint;
ALTER TABLE deployments ADD COLUMN purpose text NOT NULL DEFAULT 'target';
CREATE INDEX deployments_by_wave ON deployments (rollout, purpose, wave, state, ended, offered);

-- A release that devices must run before they may run a later one; a channel that rolls itself out; whose night it is for a device.
ALTER TABLE releases ADD COLUMN step bigint NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN follow text;
ALTER TABLE devices ADD COLUMN zone text;
