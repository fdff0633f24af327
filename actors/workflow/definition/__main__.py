"""`python -m actors.workflow.definition > deploy/workflow.schema.json`: the JSON Schema of the format."""

from __future__ import annotations

import json
import sys

from actors.workflow.definition.load import schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
