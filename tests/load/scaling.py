"""What more actors bring: 1, 2 and 4 of each pool on one Ray node, and 2 of each on two nodes.

The second node lives in a network namespace of its own, joined by a pair of virtual interfaces (root is needed,
and `ip` of iproute2): another host as far as Ray and NATS can see, although it shares this machine's processors.

    python -m tests.load.scaling [--seconds 6] [--clients 32] [--second-node]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from tests.load.clients import ask
from tests.load.turns import body
from tests.support.running import Copilot, running_copilot

POOLS = ("conversation", "nlp", "context", "adapters")
HERE, THERE, NAMESPACE = "10.99.71.1", "10.99.71.2", "copilot-load"
RAY = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
UNLIMITED = {"COPILOT_LIMITS__REQUESTS_PER_MINUTE": "10000000"}


async def measured(copilot: Copilot, clients: int, seconds: float) -> str:
    base = copilot.address("http")
    await ask(base, clients, 2.0, body(), sessions=True)
    seen = await ask(base, clients, seconds, body(), sessions=True)
    return f"{seen.rate:,.0f} | {seen.percentile(0.5):.0f} | {seen.percentile(0.99):.0f}"


async def one_node(clients: int, seconds: float) -> None:
    with running_copilot("--runtime", "ray", **UNLIMITED) as copilot:
        for size in (1, 2, 4):
            done = await asyncio.to_thread(copilot.run, "scale", *(f"{pool}={size}" for pool in POOLS))
            assert done.returncode == 0, done.stderr
            print(f"| {size} of each, one node | {await measured(copilot, clients, seconds)} |", flush=True)


async def two_nodes(clients: int, seconds: float) -> None:
    with ExitStack() as stack:
        stack.enter_context(namespace())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copilot-two-")))
        nats = stack.enter_context(nats_server(folder))
        head = stack.enter_context(ray_nodes(folder))
        sizes = {f"COPILOT_POOLS__{pool.upper()}__SIZE": "2" for pool in POOLS}
        given = {**UNLIMITED, **RAY, **sizes, "COPILOT_NATS__URL": nats}
        with running_copilot("--runtime", "ray", "--address", head, **given) as copilot:
            pids = [p["pid"] for p in copilot.state()["processes"] if p["kind"] == "actor"]
            away = sum(1 for pid in pids if _network(pid) != _network(os.getpid()))
            figures = await measured(copilot, clients, seconds)
            print(f"| 2 of each, {len(pids) - away} here and {away} on a second node | {figures} |", flush=True)


@contextmanager
def namespace() -> Iterator[None]:
    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    ip("netns", "add", NAMESPACE)
    try:
        ip("link", "add", "copilot-here", "type", "veth", "peer", "name", "there", "netns", NAMESPACE)
        ip("addr", "add", f"{HERE}/24", "dev", "copilot-here")
        ip("link", "set", "copilot-here", "up")
        for words in (("addr", "add", f"{THERE}/24", "dev", "there"), ("link", "set", "there", "up")):
            ip("-n", NAMESPACE, *words)
        ip("-n", NAMESPACE, "link", "set", "lo", "up")
        yield
    finally:
        ip("netns", "delete", NAMESPACE)


@contextmanager
def nats_server(folder: Path) -> Iterator[str]:
    """Listens for the namespace alone, not for the world."""
    port = _free_port()
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    assert program is not None
    config = folder / "nats.conf"
    config.write_text(f'jetstream {{ store_dir: "{folder}/nats" }}\nmax_payload: 12MB\n', encoding="utf-8")
    process = subprocess.Popen(
        [program, "-c", str(config), "-a", HERE, "-p", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        _until_open(port)
        yield f"nats://{HERE}:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def ray_nodes(folder: Path) -> Iterator[str]:
    """A head here with room for a few actors, and a node in the namespace with room for the rest."""
    port = _free_port()
    ray = str(Path(sys.executable).parent / "ray")
    common = ["--block", "--disable-usage-stats", "--object-store-memory", str(80 << 20)]
    here = [ray, "start", "--head", "--node-ip-address", HERE, "--port", str(port), "--num-cpus", "2"]
    here += ["--include-dashboard=false", "--temp-dir", str(folder / "ray")]
    there = ["ip", "netns", "exec", NAMESPACE, ray, "start", "--address", f"{HERE}:{port}"]
    there += ["--node-ip-address", THERE, "--num-cpus", "8"]
    environment = {**os.environ, **RAY}
    log = (folder / "ray.log").open("wb")
    processes = [
        subprocess.Popen([*here, *common], env=environment, stdout=log, stderr=log, start_new_session=True)
    ]
    try:
        _until_open(port)
        processes.append(
            subprocess.Popen([*there, *common], env=environment, stdout=log, stderr=log, start_new_session=True)
        )
        time.sleep(5.0)  # the node reports itself in its own time; Ray has no sign for it that needs no driver
        yield f"{HERE}:{port}"
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)
        log.close()


def _network(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/net")  # noqa: PTH115 - a link to no path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def _until_open(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((HERE, port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens at {HERE}:{port}"
            time.sleep(0.1)
        else:
            return


async def main() -> None:
    parser = argparse.ArgumentParser(description="What more actors bring.")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--second-node", action="store_true")
    given = parser.parse_args()
    print("| actors | turns/s | p50 ms | p99 ms |\n|---|---:|---:|---:|", flush=True)
    await one_node(given.clients, given.seconds)
    if given.second_node:
        await two_nodes(given.clients, given.seconds)


if __name__ == "__main__":
    uvloop.run(main())
