"""Posts collected from Reddit: kept, enriched, published on Ghost, and taken down again when somebody asks for it."""
