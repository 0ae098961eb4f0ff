"""python -m services.workflow"""

from services.workflow.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
