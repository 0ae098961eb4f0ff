"""Backups of the database and the stored files: made, restored, and proven."""
