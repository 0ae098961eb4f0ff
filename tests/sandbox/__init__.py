"""The platforms' documented APIs on loopback: same endpoints, headers, limits and errors."""
