-- What clients of hawkBit and Mender told of themselves and of the action that they were shown, and which key they sign with (hash). Good for
-- one generation of the device.
CREATE TABLE client_notes (
    device text PRIMARY KEY REFERENCES devices (id), generation bigint NOT NULL, action bigint NOT NULL, closed bigint NOT NULL,
    at bigint NOT NULL, attributes text NOT NULL, told bigint NOT NULL, signer text);
-- Hashes that only these clients want, made when the first of them asks; and what kind of file the image is.
CREATE TABLE image_hashes (sha256 text PRIMARY KEY, sha1 text NOT NULL, suffix text NOT NULL);
