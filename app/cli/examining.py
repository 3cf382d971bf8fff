"""What the doctor looks at, and how to mend what is wrong with it."""

import datetime
import enum
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from app import clock, revisions
from app.cli.explaining import explained
from app.cli.opening import connected, sqlite_file
from app.database import Database
from app.demands.models import Demand
from app.follows.models import Follow
from app.ledger.models import Event
from app.ledger.verifying import check_newest
from app.mail import outbox, sending
from app.settings import Settings, unknown_names
from app.vault import LostSecret, has_key, open_vault
from app.webhooks.models import Lane, State, Webhook, WebhookSecret

LITTLE_SPACE, TOO_LITTLE_SPACE = 2_000_000_000, 100_000_000  # bytes
OLDEST_SQLITE, OLDEST_POSTGRESQL = (3, 35, 0), 150_000
NEWEST_ENTRIES = 1_000
IN_STEP, OUT_OF_STEP = 2, 60  # seconds that two clocks may differ
LATE = datetime.timedelta(minutes=10)


class Level(enum.Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    level: Level
    about: str
    what: str
    mend: str = ""


Check = Callable[[Database], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """From the ground up; what needs the database is left out where that cannot be had."""
    yield from _settings(settings)
    yield from _secret_key(settings)
    yield from _space(settings)
    yield from _mail_server(settings)
    file = sqlite_file(settings)
    if file and not file.exists():
        mend = "Run `demands migrate`, or just `demands serve`."
        yield Finding(Level.FAIL, "database", f"there is none at {file}", mend)
        return
    with connected(settings) as database:
        reached = list(_carefully(_version, database))
        yield from reached
        if any(finding.level is Level.FAIL for finding in reached):
            return
        shape = list(_carefully(_migrations, database))
        yield from shape
        checks: list[Check] = [_sqlite if database.is_sqlite else _postgresql]
        if all(finding.level is Level.OK for finding in shape):
            checks += [_clock, _ledger, _stored_secrets, _worker, _outbox]
        for check in checks:
            yield from _carefully(check, database)


def _carefully(check: Check, database: Database) -> Iterator[Finding]:
    """A check that stumbles has found something too."""
    try:
        yield from check(database)
    except Exception as error:
        told = explained(error)
        if told is None:
            raise
        what, _, mend = told.partition("\n")
        yield Finding(Level.FAIL, "database", what, mend)


def _settings(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.base_url)
    if url.hostname in ("127.0.0.1", "localhost", "::1"):
        mend = "Where others read too, set DEMANDS_BASE_URL to how they reach it."
        yield Finding(Level.WARN, "settings", f"links point to {settings.base_url}, so to this machine only", mend)
    elif url.scheme == "http":
        mend = "Put a proxy that speaks TLS in front, and set DEMANDS_BASE_URL to its https address."
        yield Finding(Level.WARN, "settings", f"keys travel in clear to {settings.base_url}", mend)
    else:
        yield Finding(Level.OK, "settings", f"links point to {settings.base_url}")
    for name in unknown_names():
        mend = "See the table of settings in the README for how it is spelt, or take it away."
        yield Finding(Level.WARN, "settings", f"there is no setting {name}, so it does nothing", mend)


def _secret_key(settings: Settings) -> Iterator[Finding]:
    file = settings.data_dir / "secret.key"
    if settings.secret_key:
        if len(settings.secret_key.get_secret_value()) < 32:
            mend = "Set DEMANDS_SECRET_KEY to 32 random characters or more, before any webhook is made."
            yield Finding(Level.WARN, "secret key", "it is short enough to be guessed", mend)
        else:
            yield Finding(Level.OK, "secret key", "set by DEMANDS_SECRET_KEY")
    elif not settings.is_sqlite:
        mend = "Set DEMANDS_SECRET_KEY to the same random text for every process."
        yield Finding(
            Level.FAIL, "secret key", "each machine would make its own, and not read the others' secrets", mend
        )
    elif not file.exists():
        yield Finding(Level.OK, "secret key", f"none yet; the first start makes {file}")
    elif file.stat().st_mode & 0o077:
        yield Finding(Level.WARN, "secret key", f"others on this machine can read {file}", f"Run `chmod 600 {file}`.")
    else:
        yield Finding(Level.OK, "secret key", f"in {file}; keep a copy beside the backups")


def _space(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.resolve()
    if not folder.exists():
        yield Finding(Level.OK, "data directory", f"{folder} is made at the first start")
        return
    trial = folder / ".doctor"
    try:
        trial.write_text("")
        trial.unlink()
    except OSError as error:
        mend = "Let the user who runs `demands` write there, or set DEMANDS_DATA_DIR to another folder."
        yield Finding(Level.FAIL, "data directory", f"{folder} cannot be written to ({error.strerror})", mend)
        return
    free = shutil.disk_usage(folder).free
    what, mend = f"{free / 1e9:.1f} GB are free at {folder}", "Free some space, or move the data directory."
    if free < TOO_LITTLE_SPACE:
        yield Finding(Level.FAIL, "data directory", what, mend)
    else:
        yield Finding(
            Level.WARN if free < LITTLE_SPACE else Level.OK, "data directory", what, mend * (free < LITTLE_SPACE)
        )


def _mail_server(settings: Settings) -> Iterator[Finding]:
    """Greets it as for sending, and sends nothing."""
    if not settings.sends_mail:
        mend = "Set DEMANDS_SMTP_URL and DEMANDS_MAIL_FROM, so that readers can follow by e-mail."
        half = settings.smtp_url is not None or settings.mail_from is not None
        what = "only one of its two settings is set, so none is sent" if half else "none is sent"
        yield Finding(Level.WARN if half else Level.OK, "mail", what, mend)
        return
    try:
        with sending.connected(settings):
            yield Finding(Level.OK, "mail", f"the server takes it, from {settings.mail_from}")
    except sending.Unusable as trouble:
        yield Finding(Level.FAIL, "mail", str(trouble), "Correct DEMANDS_SMTP_URL; until then mail waits for days.")


def _version(database: Database) -> Iterator[Finding]:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.execute(text("SELECT count(*) FROM sqlite_schema"))
            version, is_old = sqlite3.sqlite_version, sqlite3.sqlite_version_info < OLDEST_SQLITE
            yield _of_version(f"SQLite {version}", is_old, "3.35")
        else:
            version = connection.execute(text("SHOW server_version")).scalar_one()
            number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
            yield _of_version(f"PostgreSQL {version}", number < OLDEST_POSTGRESQL, "15")


def _of_version(name: str, is_old: bool, oldest: str) -> Finding:
    if is_old:
        return Finding(Level.FAIL, "database", f"{name} is too old", f"Use version {oldest} or newer.")
    return Finding(Level.OK, "database", f"{name} answers")


def _migrations(database: Database) -> Iterator[Finding]:
    current, newest = revisions.current_revision(database), revisions.newest_revision()
    if current == newest:
        yield Finding(Level.OK, "migrations", f"at {current}, the newest")
    else:
        what = f"at {current}, not at {newest}" if current else "none has run yet"
        yield Finding(Level.FAIL, "migrations", what, "Run `demands migrate`.")


def _sqlite(database: Database) -> Iterator[Finding]:
    file = sqlite_file(database.settings)
    if file and file.stat().st_mode & 0o077:
        mend = f"Run `chmod 600 {file}*`; drafts, internal notes and addresses are in it."
        yield Finding(Level.WARN, "database file", f"others on this machine can read {file}", mend)
    with database.read() as session:
        settings = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "foreign_keys")
        }
        damage = session.execute(text("PRAGMA quick_check(1)")).scalar_one()
        orphan = session.execute(text("PRAGMA foreign_key_check")).first()
    if settings != {"journal_mode": "wal", "foreign_keys": 1}:
        mend = "Put the data directory on a local disk; SQLite cannot work safely on a network share."
        yield Finding(Level.FAIL, "SQLite", f"it refuses what protects the data: {settings}", mend)
    elif damage != "ok":
        mend = "Stop the server, keep the file, and restore a backup: `demands restore FILE --force`."
        yield Finding(Level.FAIL, "SQLite", f"the file is damaged: {damage}", mend)
    elif orphan:
        mend = "Run `demands verify` to see what was changed past the tracker; a backup may have it whole."
        yield Finding(
            Level.FAIL, "SQLite", f"a row of {orphan[0]} refers to one of {orphan[2]} that is not there", mend
        )
    else:
        yield Finding(Level.OK, "SQLite", "write-ahead log and foreign keys are on, and the file is sound")


def _postgresql(database: Database) -> Iterator[Finding]:
    with database.read() as session:
        durable = session.execute(text("SHOW synchronous_commit")).scalar_one() != "off"
        most = int(session.execute(text("SHOW max_connections")).scalar_one())
    if not durable:
        mend = "Set synchronous_commit to on: an answered change could be lost in a crash."
        yield Finding(Level.WARN, "PostgreSQL", "commits do not wait for the disk", mend)
    elif most < database.settings.database_pool_size * 4:
        mend = "Raise max_connections, or lower DEMANDS_DATABASE_POOL_SIZE: each process may use twice that many."
        yield Finding(Level.WARN, "PostgreSQL", f"{most} connections are few for several processes", mend)
    else:
        yield Finding(Level.OK, "PostgreSQL", f"commits wait for the disk, and {most} connections are allowed")


def _clock(database: Database) -> Iterator[Finding]:
    mend = "Let both machines keep time by NTP; events and signatures carry this clock's time."
    with database.read() as session:
        theirs = clock.now() if database.is_sqlite else session.execute(select(func.clock_timestamp())).scalar_one()
        apart = abs((clock.now() - theirs).total_seconds())
        newest = session.exec(select(Event.recorded_at).order_by(col(Event.seq).desc()).limit(1)).first()
    if apart > IN_STEP:
        level = Level.FAIL if apart > OUT_OF_STEP else Level.WARN
        yield Finding(level, "clock", f"it is {apart:.0f} seconds apart from the database's", mend)
    elif newest and newest > clock.now() + datetime.timedelta(seconds=OUT_OF_STEP):
        yield Finding(
            Level.FAIL, "clock", f"the newest event is of {newest:%Y-%m-%d %H:%M} UTC, which is to come", mend
        )
    else:
        yield Finding(Level.OK, "clock", f"{clock.now():%Y-%m-%d %H:%M} UTC, and nothing is recorded later")


def _ledger(database: Database) -> Iterator[Finding]:
    with database.read() as session:
        problems = check_newest(session, NEWEST_ENTRIES)
    if problems:
        mend = "Run `demands verify` for all of it; what was changed past the tracker is whole in an older backup."
        yield Finding(Level.FAIL, "ledger", problems[0], mend)
    else:
        yield Finding(Level.OK, "ledger", "its newest entries form a chain that leads to its head")


def _stored_secrets(database: Database) -> Iterator[Finding]:
    with database.read() as session:
        secret = session.exec(select(WebhookSecret.sealed).order_by(col(WebhookSecret.id).desc()).limit(1)).first()
        address = session.exec(select(Follow.address_sealed).order_by(col(Follow.id).desc()).limit(1)).first()
    if not (secret or address):
        return
    mend = "Bring back the secret.key or DEMANDS_SECRET_KEY of that time, or make the webhooks and follows anew."
    if not has_key(database.settings):
        yield Finding(Level.FAIL, "stored secrets", "the secret key that they were encrypted with is not here", mend)
        return
    vault = open_vault(database.settings)
    try:
        for sealed in filter(None, (secret, address)):
            vault.open(sealed)
    except LostSecret:
        yield Finding(Level.FAIL, "stored secrets", "they were encrypted with another secret key", mend)
    else:
        yield Finding(Level.OK, "stored secrets", "the secret key opens them")


def _worker(database: Database) -> Iterator[Finding]:
    """Whether somebody does what is due; that nothing is due proves nothing, so it is not told."""
    with database.read() as session:
        waiting = _count(session, col(Lane.ready_at)) + _count(session, col(Demand.embargoed_until))
        stuck = _count_stuck(session)
    if stuck:
        mend = "The worker's log says why; if it says nothing, more workers may be needed."
        what = f"{stuck} webhooks whose endpoints are well have had something waiting for ten minutes"
        yield Finding(Level.WARN, "deliveries", what, mend)
    if waiting:
        mend = "Start `demands work`, or `demands serve` without --no-worker on SQLite."
        yield Finding(Level.WARN, "worker", f"{waiting} deliveries or embargoes are overdue by ten minutes", mend)
    else:
        yield Finding(Level.OK, "worker", "nothing is left undone")


def _count_stuck(session: Session) -> int:
    behind = (col(Lane.cursor_seq) < col(Lane.wake_seq), col(Lane.first_fail_at).is_(None))
    statement = (
        select(func.count())
        .select_from(Lane)
        .join(Webhook, (col(Webhook.id) == col(Lane.webhook_id)) & (col(Webhook.state) == State.ACTIVE))
        .join(Event, col(Event.seq) == col(Lane.cursor_seq) + 1)
        .where(*behind, col(Event.recorded_at) < clock.now() - LATE)
    )
    return int(session.execute(statement).scalar_one())


def _outbox(database: Database) -> Iterator[Finding]:
    with database.read() as session:
        tally = outbox.tally(session, clock.now() - LATE)
    if tally.given_up:
        mend = "The table `mail` tells of each what went wrong, and the log when."
        yield Finding(Level.WARN, "outbox", f"{tally.given_up} mails of the last 30 days were given up", mend)
    if tally.late:
        mend = "Start `demands work`, or mend the way to the mail server."
        yield Finding(Level.WARN, "outbox", f"{tally.late} mails are overdue by ten minutes", mend)


def _count(session: Session, due: object) -> int:
    late = col(due) < clock.now() - LATE
    return int(session.execute(select(func.count()).where(late)).scalar_one())
