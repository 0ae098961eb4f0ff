"""HTTP as every service speaks it: one error shape, one pagination, one way to repeat a request safely."""
