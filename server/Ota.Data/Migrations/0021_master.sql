-- Which master secret the devices' secrets are derived from; with another one none of them could check in.
CREATE TABLE master_secret (fingerprint text PRIMARY KEY);
