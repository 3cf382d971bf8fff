"""Words of an address that are given twice: each means *either* where a list is asked for, and nothing elsewhere."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.routing import APIRoute

from app.problems import Invalid
from app.wording import query_words


async def refuse_repeated(request: Request) -> None:
    """Raises Invalid that names the words which take one value and were given several: none of them is ignored."""
    repeated = {
        word for word, times in Counter(word for word, _ in request.query_params.multi_items()).items() if times > 1
    }
    route = request.scope.get("route")
    if not repeated or not isinstance(route, APIRoute):
        return
    wrong = [{"where": f"query.{word}", "what": "give it once"} for word in _single(route) if word in repeated]
    if wrong:
        raise Invalid("; ".join(f"{item['where']}: {item['what']}" for item in wrong), errors=wrong)


def _single(route: APIRoute) -> Iterator[str]:
    """The words that the route takes one value of."""
    return (word for word, annotation in query_words(route) if not _is_list(annotation))


def _is_list(annotation: Any) -> bool:
    """Also where it may be left out, or is annotated."""
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))
