"""What every way in shares: one object, handed to all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from actors.platform.bus import Bus
from actors.platform.config import Settings
from actors.platform.telemetry import Telemetry
from gateway.admission import Admission
from gateway.auth import Caller, Doorkeeper
from gateway.bodies import Bodies
from gateway.limiter import Allowance, RateLimiter
from gateway.pools import Pools
from gateway.replies import Replies
from gateway.scrape import Scrape
from gateway.session_events import Position, SessionFollower
from gateway.streams import Streams
from gateway.traffic import Traffic
from gateway.turns import Turns
from schemas.errors import RateLimited


@dataclass(slots=True)
class Gateway:
    settings: Settings
    bus: Bus
    telemetry: Telemetry
    doorkeeper: Doorkeeper
    limiter: RateLimiter
    bodies: Bodies
    pools: Pools
    replies: Replies
    turns: Turns
    streams: Streams
    scrape: Scrape
    traffic: Traffic
    draining: bool = False
    started: float = field(default_factory=time.monotonic)
    documents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """`openapi`, `asyncapi` and `docs`, generated at the start."""
    followed_sessions: set[SessionFollower] = field(default_factory=set[SessionFollower])

    @classmethod
    def build(cls, settings: Settings, bus: Bus, telemetry: Telemetry) -> Gateway:
        pools = Pools(bus)
        replies = Replies(pools)
        gauge = telemetry.gauge("copilot_gateway_streams", "Open streams.", ("protocol",))
        return cls(
            settings=settings,
            bus=bus,
            telemetry=telemetry,
            doorkeeper=Doorkeeper(settings.auth),
            limiter=RateLimiter(settings.limits.requests_per_minute, settings.redis.url),
            bodies=Bodies(settings.limits.body_bytes),
            pools=pools,
            replies=replies,
            turns=Turns(pools, replies, Admission(settings.limits.turns_in_flight)),
            streams=Streams(gauge),
            scrape=Scrape(bus, telemetry),
            traffic=Traffic(telemetry),
        )

    async def admit(self, caller: Caller) -> Allowance:
        """Counts one request. Raises RateLimited."""
        allowance = await self.limiter.take(caller.owner)
        if not allowance.granted:
            raise self.too_many(allowance)
        return allowance

    def too_many(self, allowance: Allowance) -> RateLimited:
        return RateLimited(f"{allowance.limit} requests a minute are allowed", after=allowance.reset)

    def follow_session(self, caller: Caller, session_id: str, after: str | None) -> SessionFollower:
        """Raises InvalidInput for a position that is none."""
        position = Position.parse(after) if after else None
        follower = SessionFollower(self.replies, caller, session_id, position)
        self.followed_sessions.add(follower)
        return follower

    def stop_following(self) -> None:
        """Ends what has no end of its own; turns under way go on."""
        self.draining = True
        for follower in tuple(self.followed_sessions):
            follower.stop()
