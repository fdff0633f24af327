"""Templates are data: `templates/*.md.j2`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

# No autoescape: the output is Markdown, which the client renders. HTML entities would show as such in a
# terminal ("&lt; 0.5 %"); a client that renders Markdown to HTML must sanitise it as any text from elsewhere.
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, /, **values: Any) -> str:
    """Raises jinja2.UndefinedError when the template names a value that is not given."""
    return re.sub(r"\n{3,}", "\n\n", _ENVIRONMENT.get_template(f"{template}.md.j2").render(values)).strip()
