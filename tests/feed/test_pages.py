"""The next page, by every standard whose servers page."""

import json
from email.message import Message
from typing import Any

import pytest

from tocsin.errors import FeedError
from tocsin.feed.http import within
from tocsin.feed.pages import next_link

BUNDLE = {"resourceType": "Bundle", "type": "searchset", "link": [
    {"relation": "self", "url": "https://s/Encounter"}, {"relation": "next", "url": "https://s?page=2"}]}  # fmt: skip


def of(page: Any, pointer: str = "", link: str = "") -> str:
    headers = Message()
    if link:
        headers["Link"] = link
    return next_link(headers, page if isinstance(page, bytes) else json.dumps(page).encode(), pointer)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (BUNDLE, "https://s?page=2"),
        (BUNDLE | {"link": BUNDLE["link"][:1]}, ""),
        (BUNDLE | {"link": "next"}, ""),
        (BUNDLE | {"link": [{"relation": "next", "url": None}]}, ""),
        ({"value": [], "@iot.nextLink": "https://s?$skip=100"}, "https://s?$skip=100"),
        ({"value": [], "@odata.nextLink": "more"}, "more"),
        ({"pager": {"page": 1, "nextPage": "https://s?page=2"}, "instances": []}, "https://s?page=2"),
        ({"pager": "nextPage", "next": 3}, ""),
        ({"note": '"next"'}, ""),
        ([{"next": 1}], ""),
        (b'{"next": ', ""),
        (b"a,b\n", ""),
        (b"", ""),
    ],
)
def test_the_next_page_of_each_standard(page: Any, found: str) -> None:
    assert of(page) == found


def test_the_header_goes_before_the_page_and_a_pointer_before_both() -> None:
    assert of(BUNDLE, link='</x?2>; rel="next"') == "/x?2"
    assert of(BUNDLE, "/link/0/url", '</x?2>; rel="next"') == "https://s/Encounter"
    assert of(BUNDLE, "/link/7/url") == of(BUNDLE, "/link/x/url") == of(BUNDLE, "/type/0") == ""
    with pytest.raises(FeedError, match="no JSON"):
        of(b"a,b", "/next")


def test_a_link_that_is_no_address_is_said() -> None:
    with pytest.raises(FeedError, match="no address"):
        within("https://city.example/a", "https://[b]/next")
