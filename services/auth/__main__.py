"""python -m services.auth"""

from services.auth.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
