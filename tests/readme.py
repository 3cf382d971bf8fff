"""The README's table of settings, written from the settings themselves: `uv run python -m tests.readme`."""

import re
from pathlib import Path
from typing import Any

from app.settings import Settings

README = Path(__file__).parent.parent / "README.md"
PLACE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- /settings -->)", re.DOTALL)


def settings_table() -> str:
    lines = ["| setting | default | what it does |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `DEMANDS_{name.upper()}` | {_default(field.default)} | {field.description} |")
    return "\n".join(lines) + "\n"


def tour() -> str:
    """The commands of the tour, in their order."""
    return "\n".join(re.findall(r"^```sh tour\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE))


def receiver(language: str) -> str:
    """The receiver of webhooks in `python` or `js`."""
    (code,) = re.findall(rf"^```{language} receiver\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(code)


def poller() -> str:
    """What fetches messages, in Python."""
    (code,) = re.findall(r"^```python poller\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(code)


def _default(value: Any) -> str:
    if value is None or value in ("", ()):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    README.write_text(PLACE.sub(lambda _: settings_table(), README.read_text()))
