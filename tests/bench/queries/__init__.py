"""The documented queries on large tables: what each costs the server, and by which plan."""
