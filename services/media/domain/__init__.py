"""What files and resources may do: pure functions over their own histories."""
