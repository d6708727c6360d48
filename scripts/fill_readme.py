"""Run the commands of README.md and write below each what it prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    path = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("problems", "solutions"):
            (Path(folder) / name).symlink_to(ROOT / name)

        def filled(block: re.Match[str]) -> str:
            command = [sys.executable, "-m", *shlex.split(block[1])]
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            return f"```console\n$ {block[1]}\n{done.stdout.strip()}\n```"

        pattern = r"^```console\n\$ (sbdopt [^\n]*)\n.*?^```$"
        path.write_text(re.sub(pattern, filled, path.read_text(), flags=re.MULTILINE | re.DOTALL))


if __name__ == "__main__":
    main()
