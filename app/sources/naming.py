"""Readable slugs for sources: the first words of the title and the year."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

LONGEST = 60
# what does not fall apart into a plain letter and a mark, and what stands inside a word
PLAIN = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ə": "e",
    }
    | {"'": "", "’": ""}
)


def slugs_for(year: str | None, *names: str | None) -> Iterator[str]:
    """Slugs to try: from the first name that has Latin letters, with the year, then numbered.

    "Armenia urges UN to monitor", "2023" → `armenia-urges-un-to-monitor-2023`, `…-2023-2`, …
    """
    telling = (found for found in map(words, names) if not all(word.isdecimal() for word in found))
    slug = "-".join([_beginning(next(telling, ["source"])), *([year] if year else [])])
    yield slug
    for number in count(2):
        yield f"{slug}-{number}"


def words(name: str | None) -> list[str]:
    """As slugs have them: in ASCII, without marks; none where the script is another."""
    letters = unicodedata.normalize("NFKD", (name or "").lower().translate(PLAIN))
    return re.findall(r"[a-z0-9]+", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def _beginning(words: list[str]) -> str:
    """As many whole words as fit."""
    slug = words[0][:LONGEST]
    for word in words[1:]:
        if len(slug) + 1 + len(word) > LONGEST:
            break
        slug = f"{slug}-{word}"
    return slug
