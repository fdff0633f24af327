"""`python -m gateway`: the gateway in a process of its own; `--report FILE` gets where it listens, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from actors.platform.config import ConfigurationError, Settings, load
from actors.platform.telemetry import configure_logging, lines_to
from gateway import app
from gateway.listen import Addresses


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="The copilot's gateway.")
    parser.add_argument("--report", type=Path, help="a file that gets the addresses once they listen")
    try:
        serve(load(), parser.parse_args().report)
    except (ConfigurationError, OSError) as error:
        sys.exit(f"gateway: {error}")


def serve(settings: Settings, report: Path | None, slot: str = "gateway-0") -> None:
    """Until SIGTERM or SIGINT. Raises OSError where it cannot listen."""
    configure_logging(settings.telemetry.log_level, slot)
    notes: list[str] = []
    talk = lines_to(None)

    def say(text: str) -> None:
        notes.append(text)
        talk.write(f"{text}\n")  # a line for people, beside the log

    def ready(addresses: Addresses) -> None:
        say(f"the gateway listens: {addresses.http} and gRPC {addresses.grpc}")
        if report is not None:
            told = {"http": addresses.http, "grpc": addresses.grpc, "notes": notes[:-1]}
            partial = report.with_name(f"{report.name}.part")
            partial.write_text(json.dumps(told), encoding="utf-8")
            partial.replace(report)

    app.run(settings, say=say, slot=slot, ready=ready)


if __name__ == "__main__":
    main()
