"""Who owns what: a lease per life of an actor, an epoch per piece of work, and one way to take over.

A piece of work (a turn, a run) names its actor and an epoch in its row. Whoever claims it raises the epoch; every
later write checks both, so that a former owner that slept past its lease changes nothing. Claiming is the only
recovery there is.
"""

from actors.platform.lease.lease import QUERIES, Lease
from actors.platform.lease.watch import Watch

__all__ = ["QUERIES", "Lease", "Watch"]
