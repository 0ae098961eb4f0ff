"""Retention: what goes when it is old, declared by each service as rules, carried out daily and by hand."""

from shared.retention.rule import Act, Found, Removed, Rule, Stopped

__all__ = ["Act", "Found", "Removed", "Rule", "Stopped"]
