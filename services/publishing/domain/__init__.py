"""What publishing decides: connections and jobs, without any input or output."""
