-- Since when tokens of a user must have been issued, where older ones were revoked: see tokens.rs.
CREATE TABLE token_floor (
    user       INTEGER PRIMARY KEY,
    not_before INTEGER NOT NULL -- milliseconds since 1970, UTC; only grows
) STRICT;
