-- Schema 3, SQLite: which file the store was last written in, on which machine, and whether its writes are its own.
-- Local: neither logged, nor digested, nor copied.

-- Roles: 1 leader, 2 follower. A file's time of birth is in nanoseconds since 1970. All but the role is null until the
-- store is opened for writing.
CREATE TABLE identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 2),
    inode INTEGER,
    birth INTEGER,
    file_system TEXT,
    machine TEXT
) STRICT;

INSERT INTO identity (id, role) VALUES (1, 1);
