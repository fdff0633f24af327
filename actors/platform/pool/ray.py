"""The pools on Ray: a process an actor, on this node or on others. The only module that imports ray."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from actors.platform.pool.actor import Place
from actors.platform.pool.definition import Pool
from actors.platform.telemetry import configure_logging

log = structlog.get_logger(__name__)

NAMESPACE = "copilot"
OBJECT_STORE_BYTES = 80 << 20  # payloads travel over NATS; this is Ray's minimum
START_SECONDS = 60.0
LONGEST_TEMP_PATH = 40  # Ray's socket paths must stay below 108 bytes

_ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # otherwise the node leaves loopback
    "RAY_AUTH_MODE": "disabled",  # the same for head, driver and nodes; the node is on loopback
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's own default is 15: actors would wait for every other process
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class ActorHost:
    """What runs inside a Ray worker: one actor on Ray's event loop."""

    def __init__(self, pool: Pool, place: Place) -> None:
        configure_logging(place.settings.telemetry.log_level, place.slot, _log_file(place))
        self._actor = pool.load()(place)
        self._stopped = asyncio.Event()

    async def start(self) -> tuple[int, str]:
        """Its pid, and the node it runs on."""
        import ray

        await self._actor.start()
        return os.getpid(), ray.get_runtime_context().get_node_id()

    async def run(self) -> str:
        """Lasts as long as the actor; its end is how the supervisor learns of a death at once."""
        await self._stopped.wait()
        return "stopped"

    async def stop(self) -> None:
        await self._actor.stop()
        self._stopped.set()


class RayActor:
    def __init__(self, handle: Any, pid: int, here: bool) -> None:
        self._handle = handle
        self._pid = pid
        self._here = here

    @property
    def pid(self) -> int | None:
        return self._pid

    async def ended(self) -> str:
        import ray.exceptions

        try:
            return await self._handle.run.remote()
        except ray.exceptions.RayError as error:
            return str(error).strip().splitlines()[0]

    async def stop(self, grace_seconds: float) -> None:
        import ray
        import ray.exceptions

        try:
            async with asyncio.timeout(grace_seconds):
                await self._handle.stop.remote()
        except (TimeoutError, ray.exceptions.RayError) as error:
            log.warning("actor.not_drained", error=repr(error))
        ray.kill(self._handle, no_restart=True)

    async def kill(self) -> None:
        import ray

        ray.kill(self._handle, no_restart=True)
        if self._here:
            # Ray asks the process first, and waits five seconds for one that cannot hear.
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


class RayRuntime:
    name = "ray"

    def __init__(self, data_path: Path, address: str | None = None) -> None:
        self._address = address
        self._temp = _temp_path(data_path)
        # Ray's processes end together with the thread that started them: it must live as long as this process.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ray")

    async def open(self) -> None:
        """Starts a node of our own on loopback, or joins the cluster at `address`; takes 3 to 4 seconds."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        os.environ.update({name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()})
        import ray

        if self._address:
            ray.init(address=self._address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
            return
        shutil.rmtree(self._temp, ignore_errors=True)  # sessions of earlier lives
        ray.init(
            namespace=NAMESPACE,
            num_cpus=4,  # how many workers wait prestarted; our actors ask for none on a node of our own
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(self._temp),
            _node_ip_address="127.0.0.1",
        )

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        import ray

        ray.shutdown()

    async def start(self, pool: Pool, place: Place, cpus: float) -> RayActor:
        import ray

        remote: Any = ray.remote(ActorHost)
        handle = remote.options(
            name=f"{place.slot}-{os.urandom(4).hex()}",
            num_cpus=cpus if self._address else 0,
            max_restarts=0,  # the supervisor restarts: with backoff, and with an end to a crash loop
            max_concurrency=10_000,
        ).remote(pool, place)
        try:
            async with asyncio.timeout(START_SECONDS):
                pid, node = await handle.start.remote()
        except BaseException:
            ray.kill(handle, no_restart=True)
            raise
        return RayActor(handle, pid, here=node == ray.get_runtime_context().get_node_id())


def _temp_path(data_path: Path) -> Path:
    inside = data_path / "ray"
    if len(str(inside)) <= LONGEST_TEMP_PATH:
        return inside
    short = hashlib.sha256(str(data_path).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"copilot-ray-{short}"


def _log_file(place: Place) -> Path | None:
    """Beside the logs of the embedded servers, where the actor is on the same machine."""
    folder = place.settings.data_path / "logs"
    return folder / f"{place.slot}.log" if folder.is_dir() else None
