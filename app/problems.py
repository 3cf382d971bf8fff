"""Errors as problem details (RFC 9457).

A class is a kind of problem: its docstring is the title that readers see, `remedy` says what they can do.
"""

import logging
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app import wording
from app.trouble import is_out_of_reach

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_TOLD = 20  # wrong values of one request
LONGEST_PLACE = 200  # a name in it is as long as whoever made it up likes

Item = TypeVar("Item")
Place = str | Callable[[int], str]  # a place in the request, or where the n-th value stands


class Problem(Exception):
    """Something went wrong"""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal"
    remedy: ClassVar[str] = (
        "Try again later. If it stays so, tell whoever runs the tracker when it happened: the log says why."
    )
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "").strip()

    def document(self) -> dict[str, Any]:
        """The members of RFC 9457 section 3.1, then this problem's own."""
        return {
            "type": f"/problems/{self.type}",
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }

    def response(self) -> Response:
        return JSONResponse(self.document(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


class Malformed(Problem):
    """The request cannot be read"""

    status = 400
    type = "malformed"
    remedy = "Mend what `detail` names. The same request again gets the same answer."


class Unauthenticated(Problem):
    """Who is asking is not known"""

    status = 401
    type = "unauthenticated"
    remedy = "Send a key as `Authorization: Bearer dt_…`. For one that is not good any more an admin makes you another."
    headers = {"WWW-Authenticate": 'Bearer realm="demand-tracker"'}


class Forbidden(Problem):
    """This role may not do that"""

    status = 403
    type = "forbidden"
    remedy = "Take a key that has the role in `needs`, or ask somebody who has one to do it."


class NotFound(Problem):
    """There is no such thing, or it is not for you to see"""

    status = 404
    type = "not-found"
    remedy = "Check the address, then the key: what that may not see does not exist for it, nor does what is gone."


class MethodNotAllowed(Problem):
    """This address does not answer to that method"""

    status = 405
    type = "method-not-allowed"
    remedy = "Take one of the methods that the `Allow` header names."


class Conflict(Problem):
    """The present state does not allow that"""

    status = 409
    type = "conflict"
    remedy = "Read it again: perhaps somebody did the same already. If not, do first what `detail` says."


class Gone(Problem):
    """This cursor is from before the database was restored"""

    status = 410
    type = "gone"
    remedy = "Read the lists again, then go on from the cursor in `start_again_at`."


class Stale(Problem):
    """Someone else has changed this since you read it"""

    status = 412
    type = "stale"
    remedy = "Read it again, repeat your change on what it is now, and send its new ETag as `If-Match`."


class TooLarge(Problem):
    """The request body is too large"""

    status = 413
    type = "too-large"
    remedy = "Send it in several requests; `limit_bytes` is what the body of one may have."


class NotJson(Problem):
    """The request body is not marked as JSON"""

    status = 415
    type = "not-json"
    remedy = "Send JSON, and `Content-Type: application/json` with it."


class Invalid(Problem):
    """The request says something that cannot be"""

    status = 422
    type = "invalid"
    remedy = "Correct what `errors` lists: `where` is its place in the request, and `what` says what is wrong with it."


class PreconditionRequired(Problem):
    """Say which version you have read"""

    status = 428
    type = "precondition-required"
    remedy = "Read it, and send the `ETag` of that answer as `If-Match`, so that nobody else's change is lost."


class TooManyRequests(Problem):
    """That was asked too often"""

    status = 429
    type = "too-many-requests"
    remedy = "Wait for as many seconds as the `Retry-After` header says."
    headers = {"Retry-After": "3600"}


class Unavailable(Problem):
    """Not ready to serve"""

    status = 503
    type = "unavailable"
    remedy = "Wait for as many seconds as the `Retry-After` header says, then send the same again: nothing was changed."
    headers = {"Retry-After": "2"}


class Full(Unavailable):
    """Nothing can be stored at present"""

    type = "full"
    remedy = "Nothing was changed. Whoever runs the tracker makes room on its disk; reading goes on meanwhile."
    headers = {"Retry-After": "60"}


class Uncertain(Unavailable):
    """Whether this was done is not known"""

    type = "uncertain"
    remedy = "Send a POST again with the same `Idempotency-Key`: it is not done twice. Without one, look first."


def invalid(where: str, what: str, **members: Any) -> Invalid:
    """One wrong value, named the way that validation errors name theirs (`body.targets.0.body`)."""
    return Invalid(f"{where}: {what}", errors=[{"where": where, "what": what}], **members)


def known(found: Mapping[str, Item], names: Sequence[str], noun: str, where: Place) -> list[Item]:
    """What the names stand for, in their order; raises Invalid for the first that stands for nothing."""
    for number, name in enumerate(names):
        if name not in found:
            raise invalid(where if isinstance(where, str) else where(number), f"there is no {noun} {name}")
    return [found[name] for name in names]


def taken(error: IntegrityError) -> Conflict | None:
    """What a unique constraint tells whoever comes second; None for any other constraint."""
    driver: Any = error.orig
    if getattr(driver, "sqlstate", None) == "23505":  # PostgreSQL: unique_violation
        table = driver.diag.table_name
        columns = re.findall(r"\w+", (driver.diag.message_detail or "").partition("(")[2].partition(")=")[0])
    elif str(driver).startswith("UNIQUE constraint failed: "):  # SQLite, primary keys included
        table = re.findall(r"(\w+)\.", str(driver))[0]
        columns = re.findall(r"\.(\w+)", str(driver))
    else:
        return None
    what = f"{table} with this {' and '.join(columns)}".replace("_", " ")
    return Conflict(f"There is a {what} already; someone was faster.")


def is_full(error: Exception) -> bool:
    """Whether the database had no room left on its disk."""
    driver = getattr(error, "orig", None)
    if getattr(driver, "sqlstate", None) == "53100":  # PostgreSQL: disk_full
        return True
    # the other is told where the index of the write-ahead log finds no room
    return getattr(driver, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def is_lost(error: Exception) -> bool:
    """Whether the connection was lost while it was used: a COMMIT may have been done though nobody heard so."""
    return getattr(error, "connection_invalidated", False)


def kinds() -> list[type[Problem]]:
    """Every kind of problem, those of the slices included."""
    found: list[type[Problem]] = []
    waiting = [Problem]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return sorted(found, key=lambda kind: (kind.status, kind.type))


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:  # needs no thread, which may all be taken
        return error.response()

    @app.exception_handler(RequestValidationError)
    def validation(request: Request, error: RequestValidationError) -> Response:
        return of_validation(error, request.scope.get("route")).response()

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        by_status: dict[int, type[Problem]] = {400: Malformed, 404: NotFound, 405: MethodNotAllowed}
        kind = by_status.get(error.status_code, Problem)
        methods = ", ".join(sorted(_methods(request))) if kind is MethodNotAllowed else ""
        what = f"this address takes {methods}" if methods else error.detail
        answer = kind(f"{request.method} {request.url.path}: {what}").response()
        answer.status_code = error.status_code
        answer.headers.update(error.headers or {})
        if methods:
            answer.headers["Allow"] = methods
        return answer

    @app.exception_handler(OperationalError)
    @app.exception_handler(QueueTimeout)
    def busy(request: Request, error: Exception) -> Response:
        if not is_out_of_reach(error):
            log.error("The database could make no sense of a request.", exc_info=error)
        if is_full(error):
            return Full("The disk of this service is full: it cannot store anything. Nothing was changed.").response()
        if is_lost(error) and request.method not in ("GET", "HEAD"):
            return Uncertain(
                "The database was lost on the way: this was done, or it was not. Look before you ask for it again."
                " With the Idempotency-Key that it had, a POST may be repeated at once: it is not done twice."
            ).response()
        return Unavailable("The database is busy or out of reach; nothing was changed. Try again.").response()

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        return Problem("The fault is ours; the log has the details. Nothing was changed.").response()


def _methods(request: Request) -> set[str]:
    """All that the address takes (RFC 9110, section 15.5.6), on whichever routes. Files speak for themselves."""
    scope = {**request.scope, "root_path": request.scope.get("app_root_path", request.scope.get("root_path", ""))}
    routes = [route for route in iter_route_contexts(request.app.routes) if route.matches(scope)[0] is Match.PARTIAL]
    methods = {method for route in routes for method in route.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods


def of_validation(error: RequestValidationError, route: object) -> Problem:
    """Pydantic's findings without the input (which may be private) and without our own class names."""
    found = error.errors()
    if isinstance(error.body, bytes) and any(finding["loc"][0] == "body" for finding in found):
        return NotJson("Send the body as JSON, with `Content-Type: application/json`.")
    wrong = [
        {"where": ".".join(map(str, finding["loc"]))[:LONGEST_PLACE], "what": wording.told_on(route, finding)}
        for finding in found[:MOST_TOLD]
    ]
    if any(finding["type"] == "json_invalid" for finding in found):
        return Malformed("The body is not valid JSON.", errors=wrong)
    summary = "; ".join(f"{item['where']}: {item['what']}" for item in wrong[:3])
    left_out = len(found) - len(wrong)
    return Invalid(summary, errors=wrong, **({"more_errors": left_out} if left_out else {}))
