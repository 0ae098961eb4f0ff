"""How a database fares: sizes, growth, use of indexes, slow queries, cache, connections, and what to look after."""
