-- People sign in with a password and, if they chose so, a code; machines keep to staff keys. Times are UTC milliseconds.
CREATE TABLE people (
    id text PRIMARY KEY, name text NOT NULL, name_key text NOT NULL UNIQUE, role text NOT NULL, password text, stamp text NOT NULL,
    totp text, totp_step bigint NOT NULL, recovery_codes text NOT NULL, created bigint NOT NULL, created_by text NOT NULL, disabled bigint);
-- A code that lets its person choose a password, once; without a person it makes the first one.
CREATE TABLE invitations (hash text PRIMARY KEY, person text REFERENCES people (id), expires bigint);
-- Names and addresses are hashed into a fixed number of buckets, so that guessing cannot fill the disk.
CREATE TABLE sign_in_failures (bucket text PRIMARY KEY, failures bigint NOT NULL, at bigint NOT NULL, until bigint NOT NULL);
-- What cookies are protected with; sealed under the master secret.
CREATE TABLE web_keys (id text PRIMARY KEY, xml text NOT NULL, added bigint NOT NULL);
-- for postgresql
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION changed('person', 'id');
