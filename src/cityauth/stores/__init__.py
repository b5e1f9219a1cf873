"""Ready-made stores: memory and SQL."""
