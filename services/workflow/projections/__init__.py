"""Events → rows of the read tables, pure, by what they are about."""
