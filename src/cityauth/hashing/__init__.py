"""Ready-made password hashing: Argon2id for new hashes, and the formats of older systems."""
