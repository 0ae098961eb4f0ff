"""`python -m services.media [--role all|http|consumer|relay|worker]`."""

from services.media.app import service
from shared.runtime import main

main(service)
