"""Which values of a label are meant by a name: people and systems write the same thing in several forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_SUFFIXES = ("service", "svc", "server", "api", "app", "deployment")
_POD = re.compile(r"-(?:[0-9a-f]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,4})")
"""What a deployment, a daemon set, a stateful set put behind their name."""
_ENVIRONMENTS = {
    "production": ("production", "prod", "prd", "live"),
    "staging": ("staging", "stage", "stg", "preprod", "pre-production", "uat"),
    "development": ("development", "dev", "devel"),
    "test": ("test", "testing", "tst", "qa"),
}

Same = Callable[[str, str, str], bool]
"""(label, wanted, there)"""


def meant(role: str, label: str, wanted: str, there: Iterable[str]) -> tuple[str, ...]:
    """The values that `wanted` means, the exact one alone where it is there; empty where there is none."""
    values = tuple(value for value in there if value)
    if wanted in values:
        return (wanted,)
    same = _SAME.get(role)
    return tuple(value for value in values if same(label, wanted, value)) if same else ()


def _service(label: str, wanted: str, there: str) -> bool:
    """`shop/payment` and `payment-svc` are payment, and so is, in a pod's label, `payment-7d9f8c6b5-x2x4z`."""
    name, wanted = there.rsplit("/", 1)[-1].lower(), wanted.lower()
    if "pod" in label and name.startswith(wanted) and _POD.fullmatch(name[len(wanted) :]):
        return True
    return name == wanted or _bare(name) == _bare(wanted)


def _bare(name: str) -> str:
    plain = re.sub(r"[ _.]+", "-", name)
    head, _, last = plain.rpartition("-")
    return head if head and last in _SUFFIXES else plain


def environments(wanted: str) -> tuple[str, ...]:
    """Every way of writing it; itself alone where none is known."""
    return _ENVIRONMENTS.get(wanted, (wanted,))


def _environment(label: str, wanted: str, there: str) -> bool:
    return there.lower() in environments(wanted)


def _version(label: str, wanted: str, there: str) -> bool:
    return there.removeprefix("v") == wanted.removeprefix("v")


def _host(label: str, wanted: str, there: str) -> bool:
    """`web-1:9100` is web-1, and so is `web-1.example.net`."""
    name = there.rsplit(":", 1)[0] if there.count(":") == 1 else there
    return name.lower() == wanted.lower() or name.lower().startswith(f"{wanted.lower()}.")


def _endpoint(label: str, wanted: str, there: str) -> bool:
    return there.rstrip("/") == wanted.rstrip("/")


_SAME: dict[str, Same] = {
    "service": _service,
    "environment": _environment,
    "version": _version,
    "host": _host,
    "endpoint": _endpoint,
}
