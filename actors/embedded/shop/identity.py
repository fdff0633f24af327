"""Identifiers of traces and spans. A trace id says, to those who can read it, which request it is of."""

from __future__ import annotations

from dataclasses import dataclass

_MASK = 2**64 - 1
_ROUTE_BITS = 4
_REQUEST_BITS = 24
# The finaliser of splitmix64 (Steele, Lea, Flood 2014): every step can be undone, so no two keys collide.
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_SALT = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Which request: the chunk it arrived in, its route, its number among those."""

    chunk: int
    route: int
    request: int

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        packed = ((self.chunk << _ROUTE_BITS | self.route) << _REQUEST_BITS) | self.request
        high = _mix(packed)
        return f"{high:016x}{_mix(high ^ _SALT):016x}"

    def span_id(self, node: int) -> str:
        """16 hexadecimal digits."""
        return f"{_mix(int(self.trace_id[16:], 16) + node + 1 & _MASK):016x}"

    @classmethod
    def of_trace(cls, trace_id: str) -> RequestKey | None:
        """The request that has this id; None where no request of the shop can have it."""
        try:
            number = int(trace_id, 16)
        except ValueError:
            return None
        high = number >> 64
        if len(trace_id) != 32 or _mix(high ^ _SALT) != number & _MASK:
            return None
        packed = _unmix(high)
        request = packed & (1 << _REQUEST_BITS) - 1
        packed >>= _REQUEST_BITS
        return cls(packed >> _ROUTE_BITS, packed & (1 << _ROUTE_BITS) - 1, request)


def _mix(value: int) -> int:
    for shift, factor in _STEPS:
        value = (value ^ value >> shift) * factor & _MASK
    return value ^ value >> _LAST_SHIFT


def _unmix(value: int) -> int:
    value = _unshift(value, _LAST_SHIFT)
    for shift, factor in reversed(_STEPS):
        value = _unshift(value * _inverse(factor) & _MASK, shift)
    return value


def _inverse(factor: int) -> int:
    """What undoes a multiplication by an odd `factor` modulo 2^64 (Newton: each round doubles the bits)."""
    inverse = factor
    for _ in range(5):
        inverse = inverse * (2 - factor * inverse) & _MASK
    return inverse


def _unshift(value: int, shift: int) -> int:
    """Undo `value ^ value >> shift` for 64 bits; shift is at least 22, so two rounds reach every bit."""
    result = value
    for _ in range(2):
        result = value ^ result >> shift
    return result
