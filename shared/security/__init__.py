"""Tokens, passwords, encrypted fields, safe fetching and masking."""
