"""`tocsin serve`: the page, the API, the folder watch and the beat, until Ctrl-C. I/O."""

import ipaddress
import os
import secrets
import ssl
from pathlib import Path

import click

from tocsin.cli.common import city_option, open_city
from tocsin.errors import ConfigError
from tocsin.server import auth, journal
from tocsin.server.app import build
from tocsin.server.beat import Beat, Before
from tocsin.server.feeds import Feeds
from tocsin.server.run import Tls, bind, run
from tocsin.server.site import Site


@click.command("serve")
@city_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: every network.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one.")
@click.option(
    "--beat", type=click.FloatRange(min=0.1), default=1.0, show_default=True, metavar="SECONDS",
    help="How often to look for what is new, and to judge it.",
)  # fmt: skip
@click.option(
    "--log", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="What goes to standard error: lines for people, or one JSON object a line.",
)  # fmt: skip
@click.option("--tls-cert", type=click.Path(path_type=Path), help="A certificate with its chain, PEM: HTTPS.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option("--plain", is_flag=True, help="Without TLS beyond this machine: a proxy before it speaks TLS.")
def command(
    city: Path, host: str, port: int, beat: float, form: journal.Form,
    tls_cert: Path | None, tls_key: Path | None, plain: bool,
) -> None:  # fmt: skip
    """Serve the page and the API, run the sources' feeds, watch their folders, and judge on a beat, until Ctrl-C.

    Writing (pushing records, working on alerts) needs a token: one that `tocsin token new` made for one sender, or the
    operator's: TOCSIN_TOKEN, or the file named by TOCSIN_TOKEN_FILE; when neither is set, one is made for this run and
    is part of the link that is printed.

    \b
    Example:
      tocsin serve --city my-city --port 8080
    """
    journal.begin(form)
    serve(city, host, port, beat, _tls(tls_cert, tls_key), plain=plain)


def serve(
    city: Path, host: str, port: int, beat: float, tls: ssl.SSLContext | None, *, plain: bool,
    before: Before | None = None,
) -> None:  # fmt: skip
    """Serve until Ctrl-C; `before` is done first, while the page is there already. ConfigError for an open door."""
    if tls is None and not plain and not _is_loopback(host):
        raise ConfigError(
            f"{host} is not this machine alone: tokens and records would cross the network in the clear. Give"
            " --tls-cert and --tls-key, or say --plain where a proxy before it speaks TLS"
        )
    given = auth.find_token(os.environ)
    token = given or secrets.token_urlsafe(24)
    site = Site(open_city(city), token)
    judging = Beat(site, beat, before)
    feeds = Feeds(site, judging.leads)
    listening = bind(host, port)
    link = f"{'http' if tls is None else 'https'}://{_shown(host)}:{listening.getsockname()[1]}/"

    def ready() -> None:
        # A token that was given is the operator's secret; output often ends in a journal.
        click.echo(f"Tocsin serves {city.resolve().name} on {link}" + ("" if given else f"#token={token}"))
        if not _is_loopback(host):
            click.echo("Everybody who reaches this address can read; put a proxy with sign-in before it.", err=True)

    run(build(site, judging, feeds=feeds), site, listening, ready, tls)
    click.echo("Tocsin has stopped; all that was taken in is kept.")


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ConfigError("--tls-cert and --tls-key go together")
    return Tls(cert, key).context()


def _shown(host: str) -> str:
    """A host as it stands in a link; the unspecified address is shown as this machine."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
