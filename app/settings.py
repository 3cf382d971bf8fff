"""Every setting, declared once; the README's table is checked against this file."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_interface
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, NameEmail, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network
PREFIX = "DEMANDS_"
ENV_FILE = ".env"


def checked_base_url(url: str) -> str:
    """Without the slash at its end; raises ValueError where no tracker can be."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write it as readers type it, such as https://demands.example.org")
    return url.rstrip("/")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _networks(networks: object) -> object:
    return [_network(text) for text in _split(networks)] if isinstance(networks, str) else networks


def _network(text: str) -> Network:
    try:
        meant = ip_interface(text)
    except ValueError:
        raise ValueError(f"{text} is no network; write it as 10.0.0.0/8 or fd00::/8") from None
    if meant.ip != meant.network.network_address:
        raise ValueError(f"{text} has host bits set; write {meant.network}")
    return meant.network


def _smtp_url(url: SecretStr) -> SecretStr:
    """The messages say nothing of what was given, which has a password in it."""
    try:
        parts = urlsplit(url.get_secret_value())
        known = parts.scheme in ("smtp", "smtp+starttls", "smtps") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "write it as smtp+starttls://user:password@mail.example.org:587, or with smtps:// or smtp://;"
            " in a password, write / as %2F, # as %23, ? as %3F and @ as %40"
        )
    return url


def _database_url(url: str) -> str:
    if url and not re.match(r"(sqlite|postgresql(\+psycopg)?)://", url):
        raise ValueError("write it as postgresql+psycopg://user:password@host/name, or leave it out for SQLite")
    return url


def _proxies(proxies: str) -> str:
    for proxy in _split(proxies) if proxies != "*" else ():
        _network(proxy)
    return proxies


class Settings(BaseSettings):
    """Read from the environment (prefix `DEMANDS_`) and from a `.env` file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(Path("data"), description="Where the SQLite database and the generated secret key live.")
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "",
        description="`postgresql+psycopg://user:password@host/name`; empty means SQLite in the data directory.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="PostgreSQL connections kept open per process.")
    base_url: Annotated[str, AfterValidator(checked_base_url)] = Field(
        "http://127.0.0.1:8000", description="How readers reach this service; links are built from it."
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        "", description="Proxies whose `X-Forwarded-For` and `-Proto` are believed, comma separated; `*` is any."
    )
    secret_key: SecretStr | None = Field(
        None, description="Encrypts stored secrets; empty means one is made in the data directory. Back it up."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much the logs say.")
    metrics_token: SecretStr | None = Field(
        None, description="Lets Prometheus read `/metrics` with this bearer token; empty means there is no such page."
    )
    body_limit_bytes: int = Field(1_000_000, ge=1_000, description="Larger request bodies get 413.")
    due_soon_days: int = Field(30, ge=0, le=365, description="How many days before its deadline a demand is due soon.")
    idempotency_hours: int = Field(48, ge=1, description="How long the first answer to an Idempotency-Key is kept.")
    webhook_allow_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="Private networks that webhooks may reach, comma separated, such as `127.0.0.0/8`."
    )
    webhook_allow_http: bool = Field(False, description="Whether webhooks may use plain http outside those networks.")
    webhook_verify: bool = Field(
        default=False, description="Whether every webhook's endpoint must echo a challenge before it is sent anything."
    )
    webhook_timeout_seconds: float = Field(15, gt=0, le=60, description="The whole of one attempt, DNS to last byte.")
    webhook_concurrency: int = Field(100, ge=1, le=2000, description="Attempts under way at once, per worker.")
    webhook_lease_seconds: float = Field(
        30, ge=1, le=600, description="What a worker that died had under way is taken up again after this time."
    )
    webhook_attempts_days: int = Field(
        30,
        ge=7,
        le=3650,
        description="How long the log of attempts is kept; at least 7 days, as it tells which endpoints fail for five.",
    )
    webhooks_per_organization: int = Field(100, ge=1, description="More are refused.")
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        None,
        description="The mail server: `smtp+starttls://user:password@host:587`, `smtps://…` (TLS from the start) or"
        " `smtp://…` (no TLS). Without it and the sender, no mail is sent.",
    )
    mail_from: NameEmail | None = Field(
        None, description="The sender of all mail, such as `Demand Tracker <follow@example.org>`."
    )
    follow_gather_seconds: float = Field(
        60, ge=0, le=3600, description="How long a change waits for others before it is mailed to those who follow."
    )

    def __init__(self, **values: object) -> None:
        super().__init__(**values)  # type: ignore[arg-type]  # pydantic-settings types its own options here

    @property
    def sends_mail(self) -> bool:
        return self.smtp_url is not None and self.mail_from is not None

    @property
    def url_of_database(self) -> str:
        """The SQLAlchemy URL, with SQLite as the default."""
        url = self.database_url or f"sqlite:///{self.data_dir.resolve() / 'demands.sqlite3'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def is_sqlite(self) -> bool:
        return self.url_of_database.startswith("sqlite")


def unknown_names() -> list[str]:
    """What looks like a setting, in the environment or in `.env`, and is none: mistyped, or of another version."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE))}
    return sorted(name for name in given - known if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_"))
