"""`python -m tests.kit till|ledger [--role ROLE]`: one of the services as a process of its own."""

from __future__ import annotations

import sys

from shared.runtime import main
from tests.kit import ledger, till

main({"till": till, "ledger": ledger}[sys.argv.pop(1)].service)
