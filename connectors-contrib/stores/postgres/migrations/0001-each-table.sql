CREATE TABLE {schema}.{table} (
    tenant text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    rest text COLLATE "C" NOT NULL,
    tail bytea NOT NULL,
    revision bigint NOT NULL,
    value text,
    bytes bytea,
    PRIMARY KEY (tenant, key, tail),
    CHECK (num_nonnulls(value, bytes) = 1)
);
