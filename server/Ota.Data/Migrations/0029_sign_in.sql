-- Counted in other buckets from now on; what was counted until now concerns an hour at the most.
DELETE FROM sign_in_failures;
-- Who a person is at the OpenID Connect provider that they sign in by; nulls for who has a password here.
ALTER TABLE people ADD COLUMN issuer text;
ALTER TABLE people ADD COLUMN subject text;
CREATE UNIQUE INDEX people_subject ON people (issuer, subject);
-- What was sent along to the provider and came back: it counts once, on whichever server.
CREATE TABLE provider_states (hash text PRIMARY KEY, at bigint NOT NULL);
