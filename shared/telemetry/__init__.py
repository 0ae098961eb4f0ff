"""Traces, logs and metrics of every service; knows no service and no event."""
