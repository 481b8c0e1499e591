-- When the next device may begin, in microseconds: the rate of a rollout, kept for all servers together.
ALTER TABLE rollout_begun ADD COLUMN paced bigint NOT NULL DEFAULT 0;
-- for postgresql
-- A release that becomes a step, or is none any more, is news for the other servers.
DROP TRIGGER changed ON releases;
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF withdrawn, withdrawn_reason, step ON releases FOR EACH ROW EXECUTE FUNCTION changed('release', 'product');
