"""PostgreSQL, the truth: connections, named queries, group commit, migrations."""

from actors.platform.store.database import Database
from actors.platform.store.group_commit import GroupCommit

__all__ = ["Database", "GroupCommit"]
