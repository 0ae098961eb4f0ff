"""The SQL behind the reads, one module a subject. Row-level security adds whose rows they are."""
