"""How many threads numpy's products may take."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any, cast


def one_thread() -> AbstractContextManager[Any]:
    """Products of one text are small: where other processes want the cores, waking a second thread takes longer
    than all of the work."""
    return _blas().limit(limits=1, user_api="blas")


@functools.cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return cast("Any", ThreadpoolController())
