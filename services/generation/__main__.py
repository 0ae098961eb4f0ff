"""python -m services.generation"""

from services.generation.app import service
from shared.runtime import main

if __name__ == "__main__":
    main(service)
