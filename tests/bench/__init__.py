"""How fast Presswork is, each figure beside a limit or peer measured in the same run on the same PostgreSQL."""
