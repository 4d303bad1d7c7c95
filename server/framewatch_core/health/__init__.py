"""Picture health: a bad picture suspends the rules of its region."""
