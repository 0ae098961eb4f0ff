"""The SQL behind the report. Sizes are bytes, times milliseconds; a partitioned table counts as one."""

DATABASE = """
SELECT datname AS name, pg_database_size(datid) AS size, blks_hit, blks_read, xact_commit, xact_rollback, deadlocks,
       temp_files, temp_bytes, stats_reset, pg_postmaster_start_time() AS started, now() AS now,
       (SELECT age(datfrozenxid) FROM pg_database WHERE oid = datid) AS frozen_age,
       current_setting('autovacuum_freeze_max_age')::bigint AS freeze_at,
       current_setting('max_connections')::int AS max_connections, current_setting('server_version') AS version
FROM pg_stat_database WHERE datname = current_database()
"""

TABLES = """
SELECT root.relnamespace::regnamespace::text AS schema, root.relname AS name, count(*) AS parts,
       sum(greatest(part.reltuples, 0))::bigint AS estimated, sum(s.n_live_tup)::bigint AS live,
       sum(s.n_dead_tup)::bigint AS dead,
       sum(pg_table_size(part.oid))::bigint AS heap, sum(pg_indexes_size(part.oid))::bigint AS indexes,
       sum(s.seq_scan)::bigint AS seq_scans, sum(coalesce(s.idx_scan, 0))::bigint AS idx_scans,
       sum(s.seq_tup_read)::bigint AS seq_rows,
       max(greatest(s.last_vacuum, s.last_autovacuum)) AS vacuumed,
       max(greatest(s.last_analyze, s.last_autoanalyze)) AS analyzed
FROM pg_stat_user_tables s
JOIN pg_class part ON part.oid = s.relid
JOIN pg_class root ON root.oid = coalesce(pg_partition_root(s.relid), s.relid)
WHERE part.relkind = 'r' AND root.relnamespace::regnamespace::text = ANY ($1::text[])
GROUP BY root.oid ORDER BY sum(pg_total_relation_size(part.oid)) DESC
"""

# By the name of the root's index, where an index has parts.
INDEXES = """
SELECT root.relnamespace::regnamespace::text AS schema, tables.relname AS table, root.relname AS name,
       sum(s.idx_scan)::bigint AS scans, sum(pg_relation_size(s.indexrelid))::bigint AS size,
       bool_or(i.indisunique OR i.indisprimary OR i.indisexclusion) AS needed
FROM pg_stat_user_indexes s
JOIN pg_index i USING (indexrelid)
JOIN pg_class root ON root.oid = coalesce(pg_partition_root(s.indexrelid), s.indexrelid)
JOIN pg_class tables ON tables.oid = coalesce(pg_partition_root(s.relid), s.relid)
WHERE root.relnamespace::regnamespace::text = ANY ($1::text[])
GROUP BY root.oid, tables.relname ORDER BY sum(s.idx_scan), sum(pg_relation_size(s.indexrelid)) DESC
"""

CONNECTIONS = """
SELECT coalesce(usename, '') AS role, application_name AS application, coalesce(state, '') AS state, count(*) AS count,
       max(extract(epoch FROM now() - xact_start))::float AS oldest,
       count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2
"""

ARCHIVER = """
SELECT current_setting('archive_mode') <> 'off' AS on, archived_count, failed_count, last_archived_time,
       last_failed_time
FROM pg_stat_archiver
"""

# Parameters are $1, $2 in these texts; a statement that sets a password holds it as it was, and is left out.
SLOW = """
SELECT pg_get_userbyid(userid)::text AS role, query, calls, mean_exec_time AS mean, max_exec_time AS longest,
       total_exec_time AS total, rows, shared_blks_hit AS hit, shared_blks_read AS read
FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query !~* 'password'
ORDER BY mean_exec_time DESC LIMIT $1
"""
STATEMENTS_SCHEMA = """
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
WHERE extname = 'pg_stat_statements'
"""
PRELOADED = "SELECT current_setting('shared_preload_libraries', true) LIKE '%pg_stat_statements%'"
