-- Tables in parts by month: parts made before they are needed, and dropped when all that they hold is to go.

-- Adds parts until `ahead` whole months after the present one have theirs, without keeping readers out; how many.
-- A month of which rows are in the default part already stays there.
CREATE FUNCTION add_month_partitions(parent text, ahead integer DEFAULT 2) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    key text;
    month timestamptz := date_trunc('month', now());
    name text;
    taken boolean;
    added integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('presswork.months'), hashtext(current_schema() || '.' || parent));
    SELECT attname INTO STRICT key
    FROM pg_class c JOIN pg_partitioned_table p ON partrelid = c.oid
    JOIN pg_attribute ON attrelid = c.oid AND attnum = partattrs[0] AND atttypid = 'timestamptz'::regtype
    WHERE c.relnamespace = current_schema()::regnamespace AND relname = parent AND partstrat = 'r';
    FOR n IN 0..ahead LOOP
        name := parent || '_' || to_char(month, 'YYYYMM');
        IF to_regclass(format('%I.%I', current_schema(), name)) IS NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1 AND %I < $2)', parent || '_default', key, key)
            INTO taken USING month, month + interval '1 month';
            IF NOT taken THEN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', name, parent);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               parent, name, month, month + interval '1 month');
                added := added + 1;
            END IF;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN added;
END $$;
