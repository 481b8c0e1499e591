-- The last value of each virtual pin; 0 to 255 are the user's numbers, from 256 on what the server knows a pin by (Pins/SystemPin). seq only
-- grows for a device and follows the clock, so that a database from a backup hands out none a second time.
CREATE TABLE pins (
    device text NOT NULL REFERENCES devices (id), pin bigint NOT NULL, value text NOT NULL, seq bigint NOT NULL, at bigint NOT NULL,
    source text NOT NULL, who text, PRIMARY KEY (device, pin));
CREATE INDEX pins_by_seq ON pins (device, seq);
-- Under which numbers a product's system pins are found, as JSON; null for the usual ones.
ALTER TABLE products ADD COLUMN system_pins text;
