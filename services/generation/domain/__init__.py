"""What generation decides: pure, without input or output."""
