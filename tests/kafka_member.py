"""`tocsin` with a leader that deals a moment late: librdkafka's mock refuses a follower that comes after it.

A real broker gives a follower its share whenever it asks. The delay changes nothing of what is tested.
"""

import asyncio
import sys
from typing import Any

from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance

from tocsin.cli import main

_at_once = CoordinatorGroupRebalance._on_join_leader


async def _late(self: Any, response: Any) -> Any:
    await asyncio.sleep(0.7)
    return await _at_once(self, response)


CoordinatorGroupRebalance._on_join_leader = _late

if __name__ == "__main__":
    main(sys.argv[1:])
