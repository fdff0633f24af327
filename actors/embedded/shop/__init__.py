"""The demo shop: six services whose requests, numbers, logs and traces follow a written scenario.

Kept light: importing this package loads neither numpy nor the scenario.
"""

from actors.embedded.prometheus import ScrapeTarget

SERVICES = ("gateway", "checkout", "payment", "orders", "inventory", "recommendation")
ENVIRONMENT = "production"
"""Where the requests are."""
STAGING = "staging"
"""Has the same services, and nobody who asks them anything: versions and replicas, but no numbers."""
ENVIRONMENTS = (ENVIRONMENT, STAGING)


def target_labels(service: str) -> dict[str, str]:
    """The labels that every series of `service` carries, besides `job`.

    `instance` is a name, not the port: a new port at each start would make every series anew.
    """
    return {"service": service, "environment": ENVIRONMENT, "instance": f"{service}-0"}


def scrape_targets(port: int) -> list[ScrapeTarget]:
    """One target per service of a shop that listens on 127.0.0.1:`port`."""
    return [
        ScrapeTarget(
            job=name, address=f"127.0.0.1:{port}", metrics_path=f"/metrics/{name}", labels=target_labels(name)
        )
        for name in SERVICES
    ]
