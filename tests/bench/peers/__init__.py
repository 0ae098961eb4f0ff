"""What Presswork is measured beside: scripts that run in a virtual environment of their own and print JSON."""
