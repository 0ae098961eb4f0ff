"""The only door: authentication, limits, routing, composition, live streams, one OpenAPI document."""
