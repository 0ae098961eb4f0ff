"""When posts go out: recurring slots, the next free one, the calendar, and jobs that nobody is going to do."""
