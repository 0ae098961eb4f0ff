"""Real platforms to publish on, from npm: installed once, from their committed locks, into the user's cache."""
