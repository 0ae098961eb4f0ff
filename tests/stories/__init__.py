"""Parts of the story that is told to all services."""
