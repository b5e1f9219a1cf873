"""The demo e-service: a city's pages on Flask, whose sign-in cityauth does."""
