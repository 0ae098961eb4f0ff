"""Telling users what happens: webhooks, signed and repeated as Standard Webhooks asks."""
