"""The section ``[breaches]``: which list of breached passwords is asked about new ones."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cityauth.breaches import BreachFile
from cityauth.config.sections import read_text, readers_of, refuse_unknown
from cityauth.errors import ConfigurationError
from cityauth.ports.services import BreachChecker

BREACHES: Final = "breaches"
_KEYS: Final = ("url", "file", "timeout")


@dataclass(frozen=True, slots=True)
class BreachSettings:
    """The list of breached passwords: exactly one of *url* and *file*.

    Attributes:
        url: The address of a service; see `cityauth.breaches.PwnedPasswords`.
        file: The file; see `cityauth.breaches.BreachFile`.
        timeout: How long the service has to answer.
    """

    url: str = ""
    file: Path | None = None
    timeout: timedelta = timedelta(seconds=1)

    def checker(self) -> BreachChecker:
        """Return what asks the list.

        Raises:
            ConfigurationError: there is no such file, or the service's address or time cannot be used.
            MissingExtraError: *url* is set, and the extra ``breach`` is not installed.
        """
        if self.file is not None:
            if not self.file.is_file():
                raise ConfigurationError("breaches.file names no file that exists")
            return BreachFile(self.file)
        from cityauth.breaches import PwnedPasswords

        try:
            return PwnedPasswords(self.url, timeout=self.timeout.total_seconds())
        except ConfigurationError as error:
            raise ConfigurationError(f"[breaches] {error}") from error


def read_breaches(value: object, folder: Path) -> BreachSettings:
    """Read the section; a relative path starts at *folder*.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is not what its key takes.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("breaches must be a table: put its keys under [breaches]")
    refuse_unknown(value, _KEYS, BREACHES)
    if ("url" in value) == ("file" in value):
        raise ConfigurationError("[breaches] needs exactly one of the keys 'url' and 'file'")
    readers = readers_of(BreachSettings())
    given: dict[str, Any] = {key: readers[key](one, f"breaches.{key}") for key, one in value.items() if key in readers}
    if "file" in value:
        given["file"] = folder / Path(read_text(value["file"], "breaches.file")).expanduser()
    return BreachSettings(**given)
