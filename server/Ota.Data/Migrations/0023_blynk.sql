-- The cloud that is told of a product's devices by Blynk's HTTP API; null for none.
ALTER TABLE products ADD COLUMN blynk_cloud text;
-- A device's token for that cloud, under nonce, AES-256-GCM and tag as the password of a site; url is the cloud it is for, and no other gets it.
-- due is null while there is nothing to tell. What is told is read from the pins: one row a device, and never anything but the newest.
CREATE TABLE blynk_clouds (
    device text PRIMARY KEY REFERENCES devices (id), url text NOT NULL, sealed bytea NOT NULL, due bigint, attempts bigint NOT NULL,
    told bigint, failed bigint, error text);
CREATE INDEX blynk_clouds_due ON blynk_clouds (due) WHERE due IS NOT NULL;
-- 258 to 260 are version, restart cause and signal (Pins/SystemPin). A device with another owner has no token there any more.
-- for sqlite
CREATE TRIGGER blynk_cloud_pin_added AFTER INSERT ON pins WHEN NEW.pin BETWEEN 258 AND 260 BEGIN
    UPDATE blynk_clouds SET due = NEW.at WHERE device = NEW.device AND due IS NULL;
END;
CREATE TRIGGER blynk_cloud_pin_changed AFTER UPDATE ON pins WHEN NEW.pin BETWEEN 258 AND 260 BEGIN
    UPDATE blynk_clouds SET due = NEW.at WHERE device = NEW.device AND due IS NULL;
END;
CREATE TRIGGER blynk_cloud_forgotten AFTER UPDATE OF generation ON devices WHEN NEW.generation <> OLD.generation BEGIN
    DELETE FROM blynk_clouds WHERE device = NEW.id;
END;
-- for postgresql
CREATE FUNCTION blynk_cloud_pin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE blynk_clouds SET due = NEW.at WHERE device = NEW.device AND due IS NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION blynk_cloud_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM blynk_clouds WHERE device = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER blynk_cloud_pin AFTER INSERT OR UPDATE ON pins FOR EACH ROW WHEN (NEW.pin BETWEEN 258 AND 260) EXECUTE FUNCTION blynk_cloud_pin();
CREATE TRIGGER blynk_cloud_forgotten AFTER UPDATE OF generation ON devices FOR EACH ROW WHEN (NEW.generation <> OLD.generation)
    EXECUTE FUNCTION blynk_cloud_forgotten();
