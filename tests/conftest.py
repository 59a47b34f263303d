"""For all tests: small matrices, one thread of linear algebra, as in the command line; and which store they use."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import hypothesis
import pytest

import postgres

# An example may wait for its processor, or compile a kernel, beside other work: 200 ms say nothing of what it tests.
hypothesis.settings.register_profile("tocsin", deadline=None)
hypothesis.settings.load_profile("tocsin")


@pytest.fixture(scope="session")
def pg() -> Iterator[postgres.Server]:
    """A running PostgreSQL server."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    server = postgres.Server(programs)
    server.start()
    yield server
    server.remove()


@pytest.fixture(autouse=True)
def _store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """TOCSIN_TEST_STORE=postgresql: every city opened in this process lives in a schema of its own."""
    if os.environ.get("TOCSIN_TEST_STORE", "sqlite") == "sqlite":
        return
    from tocsin import desk, store

    server = request.getfixturevalue("pg")
    real = store.open_store

    def there(directory: Path, url: str = "", schema: str = "") -> store.Store:
        digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
        return real(directory, url or server.url, schema if url else f"city_{digest}")

    monkeypatch.setattr(desk, "open_store", there)
