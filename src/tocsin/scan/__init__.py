"""Scan statistics: the windows of space and time with more cases than chance explains. Pure.

``scan(study, settings)`` is the one call; ``Study`` holds places, intervals and counts, ``Settings`` the rules.
"""

from tocsin.scan.follow import Followed, clusters, course, follow
from tocsin.scan.prepare import neighbours
from tocsin.scan.run import Found, Result, scan
from tocsin.scan.settings import Settings
from tocsin.scan.signals import Signalled, false_discoveries, scan_signals
from tocsin.scan.study import Stream, Study
from tocsin.scan.subset import Subset, best_subset
from tocsin.scan.zones import Zones

__all__ = [
    "Followed",
    "Found",
    "Result",
    "Settings",
    "Signalled",
    "Stream",
    "Study",
    "Subset",
    "Zones",
    "best_subset",
    "clusters",
    "course",
    "false_discoveries",
    "follow",
    "neighbours",
    "scan",
    "scan_signals",
]
