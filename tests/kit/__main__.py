"""`python -m tests.kit till|ledger [--role ROLE]`: one of the services as a process of its own.

`PRESSWORK_KIT_TICK` is how many seconds its relay and workers wait at most for somebody to wake them.
"""

from __future__ import annotations

import os
import sys

from shared import worker
from shared.bus import relay
from shared.runtime import main
from tests.kit import ledger, till

if tick := os.environ.get("PRESSWORK_KIT_TICK"):
    worker.TICK = relay.TICK = float(tick)
main({"till": till, "ledger": ledger}[sys.argv.pop(1)].service)
