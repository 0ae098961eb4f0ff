-- From when on rows of a table are kept: what is older went by its age, and no rebuild brings it back.
CREATE TABLE retention_cutoffs (
    table_name      text NOT NULL CHECK (table_name <> 'events'),
    before          timestamptz NOT NULL,
    column_name     text NOT NULL,               -- that bears the row's age
    removed_at      timestamptz NOT NULL,
    PRIMARY KEY (table_name, before)
);

-- Drops the oldest part of a table all of which is below its cutoff; its name, or null when there is none.
CREATE FUNCTION drop_partition_below_cutoff(parent text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    oldest text;
BEGIN
    SELECT relname INTO oldest
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    CROSS JOIN LATERAL (
        SELECT substring(pg_get_expr(relpartbound, pg_class.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS upper
    ) AS bound
    WHERE inhparent = format('%I.%I', current_schema(), parent)::regclass
      AND upper <= (SELECT max(before) FROM retention_cutoffs WHERE table_name = parent)
    ORDER BY upper LIMIT 1;
    IF oldest IS NOT NULL THEN
        EXECUTE format('DROP TABLE %I', oldest);
    END IF;
    RETURN oldest;
END $$;
