"""Letting Presswork in at the platforms: OAuth 2 authorization codes, and tokens that are renewed."""
