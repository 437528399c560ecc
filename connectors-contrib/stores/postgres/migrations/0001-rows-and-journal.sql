-- Version 1: rows of state, and the journal.
--
-- Text is compared bytewise (COLLATE "C"). A key is kept in two parts, because an index holds no long text: `key` is its
-- first 475 characters, `rest` what follows, `tail` the SHA-256 of `rest` or nothing. Nearly every key is short: then
-- `rest` and `tail` are empty. The character U+0000, which text cannot hold, is written U+0001 U+0001, and U+0001 is
-- written U+0001 U+0002, which keeps the order.
--
-- A value stands in `value` if it is text, else in `bytes`.

CREATE TABLE {schema}.journal_head (
    tenant text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    digest bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE {schema}.journal (
    tenant text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    format integer NOT NULL,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    commitment bytea NOT NULL,
    digest bytea NOT NULL,
    -- All three are NULL once the payload was erased.
    salt bytea,
    value text,
    bytes bytea,
    PRIMARY KEY (tenant, seq)
);

CREATE INDEX journal_by_subject ON {schema}.journal (tenant, "left"(subject, 475), seq) WHERE salt IS NOT NULL;
