"""From ``cityauth.toml`` and the environment to a `Configuration`, for the command and for services."""

from cityauth.config.breaches import BreachSettings
from cityauth.config.configuration import Configuration, load
from cityauth.config.sections import PostgresqlSettings, SmtpSettings

__all__ = ["BreachSettings", "Configuration", "PostgresqlSettings", "SmtpSettings", "load"]
