"""Posts that were written elsewhere, from files."""
