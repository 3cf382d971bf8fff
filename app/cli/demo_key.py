"""The key that `demands serve --demo` prints: made once, and kept in a file beside the database."""

from pathlib import Path

from app.accounts.actions import create_key, ensure_organization
from app.accounts.current import find_actor
from app.accounts.roles import Role
from app.accounts.schemas import KeyNew
from app.accounts.secrets import KeyText
from app.cli.opening import COMMAND_LINE
from app.database import Database
from app.problems import Unauthenticated
from app.settings import Settings


def ensure(database: Database, settings: Settings) -> str:
    """The key of the file, or a new one where that is missing or no longer good here."""
    file = settings.data_dir / "demo.key"
    if file.exists() and _is_good(database, file.read_text().strip()):
        return file.read_text().strip()
    with database.write() as session:
        ensure_organization(session, COMMAND_LINE, "demo", name="Demo")
        session.flush()
        new = KeyNew(role=Role.EDITOR, organization="demo", label="demands serve --demo")
        key = create_key(session, COMMAND_LINE, new).key
    _keep(file, key)
    return key


def _is_good(database: Database, key: str) -> bool:
    text = KeyText.parse(key)
    if text is None:
        return False
    try:
        with database.read() as session:
            find_actor(session, text)
    except Unauthenticated:
        return False
    return True


def _keep(file: Path, key: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(f"{key}\n")
