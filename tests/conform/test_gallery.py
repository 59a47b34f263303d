"""The checks catch what they are for: each wrong detector fails its check, and no check is without a wrong one."""

import pytest

from conform.checks import CHECKS
from conform.gallery import SOUND, WRONG


@pytest.mark.parametrize(("wrong", "check"), WRONG, ids=[f"{w.name}-{c.__name__}" for w, c in WRONG])
def test_wrong_is_caught(wrong, check):
    with pytest.raises((AssertionError, IndexError)):
        check(wrong)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_sound_passes(check):
    check(SOUND)


def test_every_check_has_a_wrong_detector():
    assert {c for _, c in WRONG} == set(CHECKS)
