"""The bus: typed requests, events and streams over NATS, and the same in memory for unit tests."""

from actors.platform.bus.bus import Bus, Subscription, deadline_scope
from actors.platform.bus.transport import Last, SequenceConflict, Stored

__all__ = ["Bus", "Last", "SequenceConflict", "Stored", "Subscription", "deadline_scope"]
