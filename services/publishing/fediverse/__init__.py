"""Posts that stand on Mastodon and Pixelfed: imported with their images, which get their captions there."""
