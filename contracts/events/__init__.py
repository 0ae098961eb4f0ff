"""The facts of Presswork, one module per owning service."""
