"""How published posts are doing, read from their platforms."""
