"""python -m services.publishing"""

from services.publishing.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
