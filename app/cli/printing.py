"""What others wrote, safe to print: a terminal obeys control characters, and does not show that text runs backwards."""

import json


def printable(text: str) -> str:
    """With an escape such as `\\u001b` for each character that has no shape of its own: in JSON, the same JSON."""
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)
