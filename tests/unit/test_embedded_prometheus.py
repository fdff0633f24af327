"""prometheus.yml, and what the stack says about addresses."""

from __future__ import annotations

import json

from actors.embedded.prometheus import ScrapeTarget, configuration
from actors.embedded.stack import without_credentials


def test_targets_of_one_job_share_a_job_with_paths_of_their_own() -> None:
    targets = [
        ScrapeTarget(
            "shop", "127.0.0.1:9470", "/metrics/payment", {"service": "payment", "instance": "payment-1"}
        ),
        ScrapeTarget("shop", "127.0.0.1:9470", "/metrics/orders", {"service": "orders"}),
        ScrapeTarget("other", "127.0.0.1:9999"),
    ]
    document = json.loads(configuration(targets))
    shop, other = document["scrape_configs"]
    assert (shop["job_name"], other["job_name"]) == ("shop", "other")
    assert [entry["labels"]["__metrics_path__"] for entry in shop["static_configs"]] == [
        "/metrics/payment",
        "/metrics/orders",
    ]
    assert shop["static_configs"][0]["labels"]["instance"] == "payment-1"
    assert other["static_configs"] == [{"targets": ["127.0.0.1:9999"], "labels": {"__metrics_path__": "/metrics"}}]
    assert document["global"] == {"scrape_interval": "15s", "scrape_timeout": "5s"}


def test_a_public_address_has_no_credentials() -> None:
    assert without_credentials("nats://user:secret@one:4222, nats://two:4222") == "nats://one:4222,nats://two:4222"
