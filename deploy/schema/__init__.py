"""What the five documents ask of the database, what is there, and where they differ."""
