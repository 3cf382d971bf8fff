"""A form to follow by e-mail, and where the links in mails lead.

Opening a link shows what it would do, and a button does it: some programs open every link that they find in a mail.
"""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.accounts.clients import client_of
from app.accounts.current import Db
from app.fields import MOST_VALUES
from app.follows import actions, queries
from app.follows.letters import PACES, filters_in_words, in_words
from app.follows.links import Purpose, follow_named, link
from app.follows.schemas import FollowNew, zones
from app.ledger.selecting import FLAGS
from app.ledger.words import Filters, in_an_address
from app.problems import Invalid, NotFound, Problem, TooLarge
from app.web.pages import page, webcal
from app.wording import told

LONGEST_FORM_BYTES = 65_536  # as long as an address may be, which can say the same
Fields = dict[str, list[str]]

router = APIRouter(include_in_schema=False)


async def the_form(request: Request) -> Fields:
    """Raises TooLarge: the page repeats what was sent."""
    body = await request.body()
    if len(body) > LONGEST_FORM_BYTES:
        raise TooLarge(f"This form may have {LONGEST_FORM_BYTES} bytes at most.", limit_bytes=LONGEST_FORM_BYTES)
    return _fields(body.decode(errors="replace"))


Form = Annotated[Fields, Depends(the_form)]


@router.get("/follow")
def offer_to_follow(database: Db, request: Request) -> Response:
    """The words of the list of demands, in the address, say what is to be followed.

    Others are let be: campaigns and networks add them to links.
    """
    try:
        filters = _filters(_fields(request.url.query))
        with database.read() as session:
            actions.check_followable(session, filters)
    except ValidationError as error:
        return _dead_end(_first_of(error), 422)
    except Invalid as problem:
        return _dead_end(problem.detail.removeprefix("body.filters."), problem.status)
    return _form(request, filters)


@router.post("/follow")
def ask_to_follow(database: Db, request: Request, form: Form) -> Response:
    sent: dict[str, str] = {name: form[name][-1] for name in ("email", "pace", "timezone") if name in form}
    if sent.get("timezone") not in zones():
        sent["timezone"] = "UTC"
    try:
        filters = _filters(form)
    except ValidationError as error:
        return _dead_end(_first_of(error), 422)
    try:
        new = FollowNew.model_validate({**sent, "filters": filters})
        with database.write() as session:
            actions.ask_to_follow(session, request.app.state.vault, client_of(request), new)
    except ValidationError as error:
        return _form(request, filters, 422, _first_of(error), sent)
    except Problem as problem:
        return _form(request, filters, problem.status, problem.detail, sent)
    return page("follow_asked.html", what_now=actions.WHAT_NOW)


def _fields(text: str) -> Fields:
    try:
        return parse_qs(text, max_num_fields=MOST_VALUES)
    except ValueError:
        raise TooLarge(f"There may be {MOST_VALUES} fields at most.") from None


def _filters(fields: Fields) -> Filters:
    """Raises ValidationError."""
    words = {word: fields[word] for word in Filters.model_fields if word in fields}
    return Filters.model_validate({word: values[-1] if word in FLAGS else values for word, values in words.items()})


def _first_of(error: ValidationError) -> str:
    wrong = error.errors()[0]
    return f"{'.'.join(map(str, wrong['loc']))}: {told(wrong)}"


def _form(
    request: Request, filters: Filters, status: int = 200, problem: str = "", sent: dict[str, str] | None = None
) -> Response:
    settings, words = request.app.state.settings, filters.model_dump(exclude_none=True)
    return page(
        "follow.html",
        status=status,
        problem=problem,
        sent=sent or {},
        is_on=settings.sends_mail,
        filters=parse_qs(in_an_address(words)),
        narrowed=f"?{in_an_address(words)}" if words else "",
        no_calendar=filters.demand is not None,  # which is no word of it
        webcal=webcal(settings),
        followed=filters_in_words(words),
        paces=PACES,
        zones=sorted(zones()),
    )


@router.get("/follow/confirm/{token}")
def ask_whether_to_follow(database: Db, request: Request, token: str) -> Response:
    try:
        follow_id = follow_named(request.app.state.vault, Purpose.CONFIRM, token)
        with database.read() as session:
            follow = queries.get_follow(session, follow_id)
    except NotFound as missing:
        return _dead_end(missing.detail, missing.status)
    return page("follow_confirm.html", followed=in_words(follow), is_confirmed=follow.confirmed_at is not None)


@router.post("/follow/confirm/{token}")
def confirm_follow(database: Db, request: Request, token: str) -> Response:
    vault = request.app.state.vault
    try:
        follow_id = follow_named(vault, Purpose.CONFIRM, token)
        with database.write() as session:
            follow = actions.confirm_follow(session, follow_id)
    except NotFound as missing:
        return _dead_end(missing.detail, missing.status)
    end = link(vault, "", Purpose.END, follow.id)
    return page("follow_confirm.html", followed=in_words(follow), is_confirmed=True, end=end)


@router.get("/follow/end/{token}")
def ask_whether_to_end(database: Db, request: Request, token: str) -> Response:
    try:
        follow_id = follow_named(request.app.state.vault, Purpose.END, token)
    except NotFound as missing:
        return _dead_end(missing.detail, missing.status)
    with database.read() as session:
        follow = queries.find_follow(session, follow_id)
    return page("follow_end.html", followed=in_words(follow) if follow else None)


@router.post("/follow/end/{token}")
def end_follow(database: Db, request: Request, token: str, form: Form) -> Response:
    """For the button, and for mail programs, which send `List-Unsubscribe=One-Click` and nothing else (RFC 8058)."""
    vault = request.app.state.vault
    try:
        follow_id = follow_named(vault, Purpose.END, token)
    except NotFound as missing:
        return _dead_end(missing.detail, missing.status)
    end = actions.end_all if "all" in form else actions.end_follow
    with database.write() as session:
        others = end(session, follow_id)
    end_others = link(vault, "", Purpose.END, others[0]) if others else ""
    return page("follow_end.html", is_erased=others == [], others=len(others or []), end_others=end_others)


def _dead_end(why: str, status: int) -> Response:
    return page("follow_dead_end.html", status=status, why=why)
