"""Secrets beside a city: in no backup; a store whose address is not set is not quietly another store."""

import json
import tarfile

import pytest

from cli.conftest import CITY

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n"
FEEDS = """
[[sources]]
name = "box"
[sources.feed]
kind = "sftp"
host = "sftp.example"
user = "tocsin"
known_hosts = "secrets/known_hosts"
password_file = "secrets/word"
[sources.mapping]
key = "id"
reference = "onset"
area = "area"
signal = "ili"
"""


def test_no_secret_is_in_a_backup_and_it_is_said(tocsin, city, tmp_path, monkeypatch):
    (city / "city.toml").write_text(CITY + FEEDS, "utf-8")
    (city / "secrets").mkdir()
    files = {"secrets/known_hosts": "sftp.example ssh-ed25519 AAAA\n", "secrets/word": "hush\n", "secrets/id": KEY}
    files |= {"tls.key": KEY.replace("OPENSSH ", ""), "own-token": "mum\n"}
    for name, text in files.items():
        (city / name).write_text(text, "utf-8")
    monkeypatch.setenv("TOCSIN_TOKEN_FILE", str(city / "own-token"))
    archive = tmp_path / "out" / "b.tar.gz"
    said = tocsin("backup", archive, "--city", city)
    hidden = ["own-token", "secrets/id", "secrets/word", "tls.key"]
    assert (said.code, ", ".join(hidden) in said.out) == (0, True)
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
    assert not names & set(hidden)
    assert "secrets/known_hosts" in names
    assert tocsin("restore", archive, tmp_path / "again").code == 0
    other = tocsin("backup", tmp_path / "out" / "c.tar.gz", "--json", "--city", city)
    assert json.loads(other.out)["left_out"] == hidden


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_store_whose_address_is_not_set_is_refused(tocsin, city, monkeypatch, value):
    (city / "city.toml").write_text(CITY + '[store]\nurl = "${WALKED_STORE}"\n', "utf-8")
    monkeypatch.delenv("WALKED_STORE", raising=False)
    if value is not None:
        monkeypatch.setenv("WALKED_STORE", value)
    said = tocsin("check", "--city", city)
    assert said.code == 2
    assert "${WALKED_STORE}" in said.err
    assert not (city / "tocsin.sqlite").exists()
