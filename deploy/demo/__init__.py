"""The main job, shown on one article: `python -m deploy.demo [path-or-url]`."""
