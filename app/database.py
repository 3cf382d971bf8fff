"""The one way to the database: `with database.write() as session:` is the transaction; `read()` cannot write."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Engine, QueuePool, create_engine, event, func, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.discretion import keep_values_out
from app.problems import taken
from app.settings import Settings
from app.trouble import Trouble, is_out_of_reach

SQLITE_PRAGMAS = ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON")
# a network or a machine that has silently gone is found out within a minute; as libpq names them, in s and in ms
LIVELY = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
MANY_PAGES = 4000  # between checkpoints; the default of 1000 makes every tenth commit wait


class WriteSession(Session):
    """A session that may have last words before its commit."""

    def before_commit(self) -> bool:
        """Write what belongs to the end of the transaction; tell whether readers have something new."""
        return False


class Database:
    """Engines and transactions over one URL. `session_class` says what happens at the end of each write."""

    def __init__(self, settings: Settings, session_class: type[WriteSession] = WriteSession) -> None:
        self.settings = settings
        self.is_sqlite = settings.is_sqlite
        self.url = settings.url_of_database
        self.after_commit: list[Callable[[], None]] = []  # called, in any thread, when readers have something new
        self.logs_trouble = False  # for what runs long; a command tells whoever called it
        self._session_class = session_class
        self._trouble_reading = Trouble(__name__, "Reading the database")
        self._trouble_writing = Trouble(__name__, "Writing to the database")
        if self.is_sqlite:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writer = _sqlite_engine(self.url, pool_size=1, begin="BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(self.url, pool_size=40, begin="BEGIN", query_only=True)
        else:
            self._writer = _postgresql_engine(self.url, settings.database_pool_size)
            self._reader = self._writer.execution_options(
                isolation_level="REPEATABLE READ",  # a page, its count and the ledger's head come from one snapshot
                postgresql_readonly=True,
            )

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """Commits when the block ends, rolls back when it raises; Conflict where something unique was there before."""
        try:
            with self._noting(self._trouble_writing), self._writing() as session:
                yield session
        except IntegrityError as error:
            if conflict := taken(error):
                raise conflict from error
            raise

    @contextmanager
    def _writing(self) -> Iterator[WriteSession]:
        with self._session_class(self._writer, expire_on_commit=False, info={"settings": self.settings}) as session:
            with session.begin():
                yield session
                news = session.before_commit()
            if news:
                self.tell()

    def tell(self) -> None:
        """Whoever waits for news of the ledger."""
        for notify in self.after_commit:
            notify()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One snapshot; the database refuses to write."""
        info = {"settings": self.settings}
        with (
            self._noting(self._trouble_reading),
            Session(self._reader, expire_on_commit=False, info=info) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _noting(self, trouble: Trouble) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self.logs_trouble and is_out_of_reach(error):
                trouble.met_from_outside(error)
            raise
        trouble.over()

    def forget_log(self) -> None:
        """Empty SQLite's write-ahead log, which holds pages as they were; what a reader still needs goes later."""
        if self.is_sqlite:
            with closing(self._writer.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def engine(self) -> Engine:
        """The writer's engine, for migrations, backups and the doctor."""
        return self._writer

    def dispose(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def settings_of(session: Session) -> Settings:
    """The settings of the database that the session is on."""
    settings: Settings = session.info["settings"]
    return settings


def locked(statement: Any, **options: Any) -> Any:
    """The same rows, locked for a change and read anew; rows that merely refer to them are not held up."""
    return statement.with_for_update(key_share=True, **options).execution_options(populate_existing=True)


def insert(session: Session, table: Any) -> Any:
    """A statement that may also say what becomes of a row that is there already: `on_conflict_do_update`."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def mentions(column: Any, words: str) -> ColumnElement[bool]:
    """Whether a text has the words, to the letter; LIKE on SQLite takes A for a."""
    found: ColumnElement[bool] = func.replace(column, words, "") != column
    return found


def serialize(session: Session, name: str) -> None:
    """Let one transaction at a time past this point, where a rule spans rows (a cycle in a tree).

    SQLite has one writer anyway; PostgreSQL takes an advisory lock until the transaction ends.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def lively(url: str) -> dict[str, int]:
    """What to connect to PostgreSQL with, beside what the URL says of that itself."""
    return {name: value for name, value in LIVELY.items() if name not in make_url(url).query}


def _sqlite_engine(url: str, pool_size: int, begin: str, query_only: bool = False) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_use_lifo=True,  # the connection used last has its pages at hand
        pool_timeout=30,
        connect_args={"check_same_thread": False, "timeout": 10},
    )
    keep_values_out(engine)
    pragmas = (*SQLITE_PRAGMAS, f"wal_autocheckpoint={MANY_PAGES}", *(("query_only=ON",) if query_only else ()))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred and loses concurrent updates
        connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII only
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,
        pool_use_lifo=True,  # the connection used last knows its statements already
        pool_timeout=30,
        pool_pre_ping=True,
        pool_recycle=int(datetime.timedelta(minutes=30).total_seconds()),
        connect_args={"options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s", **lively(url)},
    )
    keep_values_out(engine)
    return engine
