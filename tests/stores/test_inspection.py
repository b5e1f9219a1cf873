"""What a SQL store says of its file."""

from pathlib import Path

import pytest

from cityauth.core.check import StoreState
from cityauth.stores.sql import SqlStore
from cityauth.stores.sql.inspection import _network_file_system
from tests.support.postgresql import Databases
from tests.support.stores import maker

MOUNTS = """\
proc /proc proc rw 0 0
/dev/sda1 / ext4 rw 0 0
server:/export /srv/shared nfs4 rw 0 0
tmpfs /srv/shared/fast tmpfs rw 0 0
//host/share /mnt/the\\040share cifs rw 0 0
host:/home /home/anna fuse.sshfs rw 0 0
a line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/shared/service.db", "nfs4"),
        ("/srv/shared/deep/er/service.db", "nfs4"),
        ("/srv/shared/fast/service.db", ""),
        ("/srv/sharedness/service.db", ""),
        ("/mnt/the share/service.db", "cifs"),
        ("/home/anna/service.db", "fuse.sshfs"),
        ("/var/lib/service.db", ""),
    ],
)
def test_a_network_file_system_is_known_by_its_mount(tmp_path: Path, path: str, kind: str) -> None:
    """The nearest mount above the file decides."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="ascii")
    assert _network_file_system(Path(path), mounts) == kind


def test_without_a_list_of_mounts_nothing_is_known(tmp_path: Path) -> None:
    """Where the system has no such list, no file system is named."""
    assert _network_file_system(Path("/srv/shared/service.db"), tmp_path / "none") == ""


def test_files_that_others_may_use_are_named(tmp_path: Path) -> None:
    """The database file and its write-ahead log are named when others may read or write them."""
    store = maker("sql", tmp_path)()
    assert store.inspect().open_files == ()
    (tmp_path / "service.db-wal").chmod(0o620)
    (tmp_path / "service.db").chmod(0o604)
    assert store.inspect().open_files == ("service.db", "service.db-wal")


def test_postgresql_says_its_time(postgresql: Databases) -> None:
    """A PostgreSQL server gives its own time, aware, and no file."""
    with postgresql.open() as store:
        assert isinstance(store, SqlStore)
        found = store.inspect()
    assert found.database_time is not None
    assert found.database_time.utcoffset() is not None
    assert found == StoreState(database_time=found.database_time)
