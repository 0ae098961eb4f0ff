"""What evaluation decides: pure, without input or output."""
