"""Names for places that are nowhere: poetic pairs of characters, each with its reading. Pure."""

from collections.abc import Iterator

import numpy as np

from tocsin.types import Title

ZONE = "Asia/Shanghai"  # what clocks on its walls show
CITY = Title("拟江市（模拟）", "Nijiang (simulated)")

DISTRICTS = (
    ("云镜", "Yunjing"),
    ("星渡", "Xingdu"),
    ("月泊", "Yuebo"),
    ("风铎", "Fengduo"),
    ("霁光", "Jiguang"),
    ("雁字", "Yanzi"),
    ("鹿吟", "Luyin"),
    ("棠影", "Tangying"),
)

_FIRST = (
    *(("澄", "Cheng"), ("岚", "Lan"), ("棠", "Tang"), ("鹤", "He"), ("萤", "Ying"), ("枫", "Feng"), ("芷", "Zhi")),
    *(("茗", "Ming"), ("砚", "Yan"), ("笙", "Sheng"), ("箫", "Xiao"), ("黛", "Dai"), ("蘅", "Heng")),
)
_SECOND = (("影", "ying"), ("笛", "di"), ("歌", "ge"), ("瑟", "se"), ("羽", "yu"), ("絮", "xu"))


def street_names(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Invented names of streets (zh, en) in an order of chance, none twice; there are 78."""
    pairs = [(a + b, x + y) for a, x in _FIRST for b, y in _SECOND]
    for i in rng.permutation(len(pairs)):
        yield pairs[int(i)]
