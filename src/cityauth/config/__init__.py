"""From ``cityauth.toml`` and the environment to a configuration, for the command and for services."""
