"""Where the links in mails lead. Opening one shows what it would do; a button does it, since some open every link."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.accounts.current import Db
from app.follows import actions, queries
from app.follows.letters import in_words
from app.follows.links import Purpose, follow_named, link
from app.problems import NotFound
from app.web.pages import page

router = APIRouter(include_in_schema=False)


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
