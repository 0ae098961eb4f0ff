"""Real platforms to publish on, from npm: each is installed once, from its committed lock, and kept under `.cache/`."""
