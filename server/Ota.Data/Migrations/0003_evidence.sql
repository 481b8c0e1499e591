-- What check-ins said, for 90 days; at is UTC milliseconds.
CREATE TABLE samples (
    device text NOT NULL, at bigint NOT NULL, rssi bigint NOT NULL, uptime bigint NOT NULL, free_memory bigint NOT NULL,
    restarts bigint NOT NULL, cause text NOT NULL, PRIMARY KEY (device, at));
-- What is left of them afterwards: for each hour and band the time observed and the restarts.
CREATE TABLE evidence_hours (
    device text NOT NULL, hour bigint NOT NULL, band text NOT NULL, cause text NOT NULL,
    observed bigint NOT NULL, restarts bigint NOT NULL, intended bigint NOT NULL, PRIMARY KEY (device, hour, band, cause));
-- What is old is found by its age, whatever the number of devices.
CREATE INDEX samples_by_age ON samples (at);
CREATE INDEX evidence_hours_by_age ON evidence_hours (hour);
