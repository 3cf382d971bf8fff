"""A form to follow by e-mail, and where the links in mails lead.

Opening a link shows what it would do, and a button does it: some programs open every link that they find in a mail.
"""

from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.accounts.clients import client_of
from app.accounts.current import Db
from app.fields import MOST_VALUES
from app.follows import actions, queries
from app.follows.letters import PACES, filters_in_words, in_words
from app.follows.links import Purpose, follow_named, link
from app.follows.schemas import FollowNew
from app.ledger.selecting import FLAGS
from app.ledger.words import Filters
from app.problems import NotFound, Problem, TooLarge
from app.web.pages import page
from app.wording import told

LONGEST_FORM_BYTES = 65_536  # as long as an address may be, which can say the same

router = APIRouter(include_in_schema=False)


async def the_form(request: Request) -> dict[str, list[str]]:
    """Raises TooLarge: the page repeats what was sent."""
    body = await request.body()
    if len(body) > LONGEST_FORM_BYTES:
        raise TooLarge(f"This form may have {LONGEST_FORM_BYTES} bytes at most.", limit_bytes=LONGEST_FORM_BYTES)
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=MOST_VALUES)
    except ValueError:
        raise TooLarge(f"This form may have {MOST_VALUES} fields at most.") from None


Form = Annotated[dict[str, list[str]], Depends(the_form)]


@router.get("/follow")
def offer_to_follow(request: Request, filters: Annotated[Filters, Query()]) -> Response:
    """The words of the list of demands, in the address, say what is to be followed."""
    return _form(request, filters.model_dump(exclude_none=True))


@router.post("/follow")
def ask_to_follow(database: Db, request: Request, form: Form) -> Response:
    sent: dict[str, str] = {name: form.pop(name)[-1] for name in ("email", "pace", "timezone") if name in form}
    filters: dict[str, Any] = {word: values == ["true"] if word in FLAGS else values for word, values in form.items()}
    try:
        new = FollowNew.model_validate({**sent, "filters": filters})
        with database.write() as session:
            actions.ask_to_follow(session, request.app.state.vault, client_of(request), new)
    except ValidationError as error:
        wrong = error.errors()[0]
        return _form(request, filters, 422, f"{'.'.join(map(str, wrong['loc']))}: {told(wrong)}", sent)
    except Problem as problem:
        return _form(request, filters, problem.status, problem.detail, sent)
    return page("follow_asked.html", what_now=actions.WHAT_NOW)


def _form(
    request: Request, filters: dict[str, Any], status: int = 200, problem: str = "", sent: dict[str, str] | None = None
) -> Response:
    words = {word: [str(value).lower()] if word in FLAGS else value for word, value in filters.items()}
    return page(
        "follow.html",
        status=status,
        problem=problem,
        sent=sent or {},
        is_on=request.app.state.settings.sends_mail,
        filters=words,
        narrowed=f"?{urlencode(words, doseq=True)}" if words else "",
        followed=filters_in_words(filters),
        paces=PACES,
    )


@router.get("/follow/confirm/{token}")
def ask_whether_to_follow(database: Db, request: Request, token: str) -> Response:
    try:
        follow_id = follow_named(request.app.state.vault, Purpose.CONFIRM, token)
        with database.read() as session:
            follow = queries.get_follow(session, follow_id)
    except NotFound as missing:
        return _dead_end(missing)
    return page("follow_confirm.html", followed=in_words(follow), is_confirmed=follow.confirmed_at is not None)


@router.post("/follow/confirm/{token}")
def confirm_follow(database: Db, request: Request, token: str) -> Response:
    vault = request.app.state.vault
    try:
        follow_id = follow_named(vault, Purpose.CONFIRM, token)
        with database.write() as session:
            follow = actions.confirm_follow(session, follow_id)
    except NotFound as missing:
        return _dead_end(missing)
    end = link(vault, "", Purpose.END, follow.id)
    return page("follow_confirm.html", followed=in_words(follow), is_confirmed=True, end=end)


@router.get("/follow/end/{token}")
def ask_whether_to_end(database: Db, request: Request, token: str) -> Response:
    try:
        follow_id = follow_named(request.app.state.vault, Purpose.END, token)
    except NotFound as missing:
        return _dead_end(missing)
    with database.read() as session:
        follow = queries.find_follow(session, follow_id)
    return page("follow_end.html", followed=in_words(follow) if follow else None)


@router.post("/follow/end/{token}")
def end_follow(database: Db, request: Request, token: str) -> Response:
    """For the button, and for mail programs, which send `List-Unsubscribe=One-Click` and nothing else (RFC 8058)."""
    try:
        follow_id = follow_named(request.app.state.vault, Purpose.END, token)
    except NotFound as missing:
        return _dead_end(missing)
    with database.write() as session:
        actions.end_follow(session, follow_id)
    return page("follow_end.html", followed=None)


def _dead_end(missing: NotFound) -> Response:
    return page("follow_dead_end.html", status=missing.status, why=missing.detail)
