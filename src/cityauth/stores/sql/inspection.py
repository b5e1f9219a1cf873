"""What a database says of itself, for a check of the deployment: its clock, its oldest rows and its file."""

import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, func, select

from cityauth.core.check import StoreState
from cityauth.stores.sql.files import path_of
from cityauth.stores.sql.programs import Program, Read
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import account, event, moment, session

_TIME: Final = select(func.current_timestamp())
_NEWEST: Final = select(event.c.at).order_by(event.c.number.desc()).limit(1)
_OLDEST: Final = select(func.min(session.c.opened_at))
_REALMS: Final = select(account.c.realm, func.count()).group_by(account.c.realm)
_UNKNOWN: Final = (
    select(func.count()).select_from(account).where(account.c.hash_kind.is_(None), account.c.password_hash.is_not(None))
)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_NETWORK: Final = ("nfs", "cifs", "smb", "ncp", "afs", "9p", "ceph", "gluster", "lustre", "fuse.sshfs", "fuse.gluster")
"""What the names of network file systems begin with."""


def inspect(engine: Engine) -> Program[StoreState]:
    """Return what the database of *engine* says of itself. It reads whole tables."""
    times: list[Row] = yield Read(_TIME, {})
    newest: list[Row] = yield Read(_NEWEST, {})
    oldest: list[Row] = yield Read(_OLDEST, {})
    realms: list[Row] = yield Read(_REALMS, {})
    unknown: list[Row] = yield Read(_UNKNOWN, {})
    path = path_of(engine) if engine.dialect.name == "sqlite" else None
    return StoreState(
        database_time=_time_of(times[0][0]),
        newest_event=moment(newest[0][0]) if newest else None,
        oldest_session=None if oldest[0][0] is None else moment(oldest[0][0]),
        realms=dict(tuple(row) for row in realms),
        unknown_hashes=unknown[0][0],
        open_files=_open_files(path) if path else (),
        network_file_system=_network_file_system(path) if path else "",
    )


def _time_of(value: datetime | str) -> datetime:
    """Return the database's time. SQLite gives it as text in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def _open_files(path: Path) -> tuple[str, ...]:
    """Return the names of the database file and its companions that others than their owner may use."""
    companions = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]
    return tuple(one.name for one in companions if one.exists() and one.stat().st_mode & _OTHERS)


def _network_file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of the network file system that *path* is on; empty for none, and where nobody can say it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    types = {Path(fields[1].replace("\\040", " ")): fields[2] for line in lines if len(fields := line.split()) > 2}  # noqa: PLR2004
    kind = _nearest(path.resolve(), types)
    return kind if kind.startswith(_NETWORK) else ""


def _nearest(path: Path, types: Mapping[Path, str]) -> str:
    """Return the type of the mount that is nearest above *path*."""
    return next((types[one] for one in path.parents if one in types), "")
