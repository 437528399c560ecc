ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON {schema}.{table}
    USING (tenant = (SELECT substr(nullif(current_setting('accordant.tenant', true), ''), 2)))
    WITH CHECK (tenant = (SELECT substr(nullif(current_setting('accordant.tenant', true), ''), 2)));
