"""Language models, asked for structured answers: any endpoint that speaks OpenAI's or Anthropic's API.

Importing this costs nothing; the client libraries (some 80 MB) are loaded when the first question is asked.
"""

from .asking import Answer, Asker, NoAnswer
from .budget import Budget, Unlimited
from .endpoint import Endpoint
from .failures import Failure
from .spending import Prices, Spent, spent

__all__ = ["Answer", "Asker", "Budget", "Endpoint", "Failure", "NoAnswer", "Prices", "Spent", "Unlimited", "spent"]
