"""python -m services.evaluation"""

from services.evaluation.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
