"""python -m services.media"""

from services.media.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
