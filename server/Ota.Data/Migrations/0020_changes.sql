-- Where several servers share the database each tells the others what it changed. Every commit holds the writers' lock, so seq grows in
-- the order in which changes become visible. What a check-in merely repeats (last seen, signal) is not among them; it is noted by batches.
-- for postgresql
CREATE TABLE changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
    server text NOT NULL, kind text NOT NULL, key text NOT NULL);
CREATE INDEX changes_by_age ON changes (at);

CREATE FUNCTION note_change(kind text, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (server, kind, key) VALUES (COALESCE(current_setting('ota.server', true), ''), kind, key);
    PERFORM pg_notify('ota_changes', '');
END $$;
CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_change(TG_ARGV[0], to_jsonb(COALESCE(NEW, OLD)) ->> TG_ARGV[1]);
    RETURN NULL;
END $$;

-- What one server at a time does for all; until is UTC milliseconds by the database's clock.
CREATE TABLE duties (name text PRIMARY KEY, holder text NOT NULL, until bigint NOT NULL);

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON products FOR EACH ROW EXECUTE FUNCTION changed('product', 'name');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON release_keys FOR EACH ROW EXECUTE FUNCTION changed('product', 'product');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON key_statements FOR EACH ROW EXECUTE FUNCTION changed('product', 'product');
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF withdrawn, withdrawn_reason ON releases FOR EACH ROW EXECUTE FUNCTION changed('release', 'product');
CREATE TRIGGER changed AFTER UPDATE OF deleted ON images FOR EACH ROW EXECUTE FUNCTION changed('image', 'sha256');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON rollouts FOR EACH ROW EXECUTE FUNCTION changed('rollout', 'product');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON staff_keys FOR EACH ROW EXECUTE FUNCTION changed('staff', 'id');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON deployments FOR EACH ROW EXECUTE FUNCTION changed('device', 'device');
CREATE TRIGGER added AFTER INSERT ON devices FOR EACH ROW EXECUTE FUNCTION changed('device', 'id');
CREATE TRIGGER changed AFTER UPDATE ON devices FOR EACH ROW
    WHEN ((OLD.group_name, OLD.generation, OLD.checked_in, OLD.handed_over, OLD.order_number, OLD.instruction, OLD.state, OLD.decommission,
           OLD.running, OLD.release, OLD.slot, OLD.before_release)
        IS DISTINCT FROM (NEW.group_name, NEW.generation, NEW.checked_in, NEW.handed_over, NEW.order_number, NEW.instruction, NEW.state,
           NEW.decommission, NEW.running, NEW.release, NEW.slot, NEW.before_release))
    EXECUTE FUNCTION changed('device', 'id');
