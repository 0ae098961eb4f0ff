"""Posts as files: everything of a user's that went or is to go out, as CSV or JSON."""
