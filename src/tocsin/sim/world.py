"""A whole made-up city in numbers: ground, people, days, codes, outbreaks; nothing is reported yet. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from tocsin.errors import ConfigError
from tocsin.sim.abroad import Abroad, abroad
from tocsin.sim.chance import stream
from tocsin.sim.days import Days, days
from tocsin.sim.geography import DISTRICTS, RADIUS, STREETS, Ground, ground, lonlat
from tocsin.sim.names import CITY, street_names
from tocsin.sim.names import DISTRICTS as DISTRICT_NAMES
from tocsin.sim.outbreaks import Outbreak, Stage
from tocsin.sim.people import People, people
from tocsin.sim.plan import planted
from tocsin.types import Area, Bools, Title

LEVELS = ("city", "district", "street")
CITY_CODE = "990100"  # GB/T 2260 gives no code that begins with 99


@dataclass(frozen=True)
class World:
    """Everything that is true of the city of one seed; feeds tell it late, twice and with mistakes."""

    seed: int
    first: date
    last: date
    ground: Ground
    people: People
    days: Days
    outbreaks: list[Outbreak]

    @cached_property
    def district_codes(self) -> list[str]:
        return [f"{990101 + d}" for d in range(DISTRICTS)]

    @cached_property
    def street_codes(self) -> list[str]:
        """Nine digits: the district's six and a number within it."""
        seen = [0] * DISTRICTS
        codes = []
        for d in self.ground.district.tolist():
            seen[d] += 1
            codes.append(f"{self.district_codes[d]}{seen[d]:03d}")
        return codes

    @cached_property
    def abroad(self) -> Abroad:
        """Who comes from elsewhere, and what goes on there."""
        return abroad(self.seed, self.people, self.days)

    @cached_property
    def areas(self) -> list[Area]:
        """City, districts, streets (in the order of their codes)."""
        population = self.people.population
        where = lonlat(self.ground.site)

        def joined(code: str, parent: str, title: Title, inside: Bools) -> Area:
            x, y = np.average(where[inside], axis=0, weights=population[inside]).round(5).tolist()
            level = LEVELS[1] if parent else LEVELS[0]
            return Area(code, parent, level, title, x, y, float(population[inside].sum()))

        found = [joined(CITY_CODE, "", CITY, np.ones(STREETS, dtype=bool))]
        for d, (zh, en) in enumerate(DISTRICT_NAMES):
            title = Title(f"{zh}区", f"{en} District")
            found.append(joined(self.district_codes[d], CITY_CODE, title, self.ground.district == d))
        names = street_names(stream(self.seed, "names"))
        streets = []
        for i, code in enumerate(self.street_codes):
            zh, en = next(names)
            x, y = where[i].tolist()
            town = np.hypot(*self.ground.site[i]) > 0.75 * RADIUS
            title = Title(f"{zh}镇", f"{en} Town") if town else Title(f"{zh}街道", f"{en} Subdistrict")
            streets.append(Area(code, code[:6], LEVELS[2], title, x, y, float(population[i])))
        return found + sorted(streets, key=lambda a: a.code)


def world(seed: int, years: int, end: date) -> World:
    """The city of a seed over `years` years up to and with `end`. ConfigError for years or ends that cannot be."""
    if not 1 <= years <= 10:
        raise ConfigError(f"--years {years}: 1 to 10")
    if seed < 0:
        raise ConfigError(f"--seed {seed}: a whole number from 0 on")
    first = end - timedelta(days=round(365.25 * years) - 1)
    span = days(first, end)
    land = ground(seed)
    folk = people(land, seed)
    outbreaks = planted(seed, Stage(land, folk, span))
    assert len(land.site) == STREETS
    return World(seed, first, end, land, folk, span, outbreaks)
