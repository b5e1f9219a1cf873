"""Compile the message catalogues while the package is built or installed, also in editable form."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CATALOGUES = "src/cityauth/messages/*/LC_MESSAGES/*.po"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # generic only in hatchling's own source
    """Writes a ``.mo`` beside every ``.po``, and no package at all while a text is missing or in doubt."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compile before hatchling collects files: it then finds the ``.mo`` as artifacts."""
        if self.target_name != "wheel":
            return
        for source in sorted(Path(self.root).glob(CATALOGUES)):
            with source.open("rb") as file:
                catalogue = read_po(file, locale=source.parts[-3], abort_invalid=True)
            undone = [str(entry.id) for entry in catalogue if entry.id and (entry.fuzzy or not entry.string)]
            if undone:
                raise ValueError(f"{source}: not translated, or fuzzy: {', '.join(undone)}")
            with source.with_suffix(".mo").open("wb") as file:
                write_mo(file, catalogue)
