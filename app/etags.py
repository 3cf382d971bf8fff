"""Versions on the wire: an ETag begins with the version, so that `If-Match` can name what was read (RFC 9110)."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request, Response

from app.problems import PreconditionRequired, Stale

IfMatch = Annotated[
    str | None, Header(max_length=200, description="The ETag of what you read; a change in between gives 412.")
]
_VERSION = re.compile(r'"(\d{1,18})(?:-[^"]*)?"')


def etag(version: int, *rest: object) -> str:
    """`"7"`, or `"7-…"` where more than the version decides what is shown."""
    return '"' + "-".join(map(str, (version, *rest))) + '"'


def made_in(folder: str) -> Callable[[Any], dict[str, str]]:
    """The headers of an answer that shows what was made there: its address, by its slug, and its version."""
    return lambda made: {"Location": f"/api/v1/{folder}/{made.slug}", "ETag": etag(made.version)}


def check(if_match: str | None, version: int, required: bool = False) -> None:
    """Raises Stale where `If-Match` names another version, PreconditionRequired where it is missing but needed."""
    if if_match is None:
        if required:
            raise PreconditionRequired("Send the ETag of what you read as `If-Match`, so that no one's edit is lost.")
        return
    if if_match.strip() == "*":
        return
    versions = {int(number) for number in _VERSION.findall(if_match)}
    if version not in versions:
        raise Stale(f"The version is now {version}; read it again and repeat your change on it.", version=version)


def unchanged(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names the tag, compared weakly."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or tag in {part.strip().removeprefix("W/") for part in known.split(",")}


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})
