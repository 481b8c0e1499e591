-- Wi-Fi networks of known sites; sealed is nonce, AES-256-GCM of the password under a key derived from the master secret, tag.
CREATE TABLE sites (
    name text PRIMARY KEY, ssid text NOT NULL, sealed bytea NOT NULL, created bigint NOT NULL, created_by text NOT NULL);
