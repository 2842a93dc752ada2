-- Schema 3, PostgreSQL: whether the store's writes are its own. Local: neither logged, nor digested, nor copied.

-- Roles: 1 leader, 2 follower. The other columns stay null: a server's files have no say in whose they are.
CREATE TABLE identity (
    id bigint CONSTRAINT identity_pkey PRIMARY KEY CONSTRAINT identity_id_check CHECK (id = 1),
    role bigint NOT NULL CONSTRAINT identity_role_check CHECK (role BETWEEN 1 AND 2),
    inode bigint,
    birth bigint,
    file_system text COLLATE "C",
    machine text COLLATE "C"
);

INSERT INTO identity (id, role) VALUES (1, 1);
