-- Run once, when the volume is new. The library itself is loaded by the server's command line.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
