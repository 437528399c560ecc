-- Version 3: what analysts read. The views see what their reader may see (`security_invoker`).

-- Text as JSON; NULL where it is none.
CREATE FUNCTION {schema}.json_of(content text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN content::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

-- Milliseconds since the epoch as an instant; NULL where it is beyond what PostgreSQL can say.
CREATE FUNCTION {schema}.instant_of(milliseconds bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN milliseconds BETWEEN -62135596800000 AND 253402300799999
        THEN to_timestamp(milliseconds / 1000.0) END
$$;

CREATE VIEW {schema}.open_discrepancies WITH (security_invoker = true) AS
    SELECT tenant,
        content ->> 'id' AS id,
        content ->> 'entity' AS entity,
        content ->> 'unit' AS unit,
        content ->> 'kind' AS kind,
        content ->> 'link' AS link,
        content ->> 'state' AS state,
        {schema}.instant_of((content ->> 'first_seen')::bigint) AS first_seen,
        {schema}.instant_of((content ->> 'last_seen')::bigint) AS last_seen
    FROM (SELECT tenant, {schema}.json_of(value) AS content FROM {schema}.discrepancy) held
    WHERE content ->> 'state' <> 'resolved';

CREATE VIEW {schema}.journal_entries WITH (security_invoker = true) AS
    SELECT tenant, seq, {schema}.instant_of(at) AS at, actor, kind, subject, {schema}.json_of(value) AS payload,
        encode(digest, 'hex') AS digest
    FROM {schema}.journal;
