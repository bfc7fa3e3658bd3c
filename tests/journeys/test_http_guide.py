"""The examples of docs/http-api.md do what the page says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.house import ROOT, House

PAGE = (ROOT / "docs" / "http-api.md").read_text()
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL)


def _run(language: str, code: str, house: House, scratch: Path) -> str:
    if language == "sh":
        command = ["sh", "-c", code]
    else:
        script = scratch / "example.py"
        script.write_text(f"BASE = {house.url('')!r}\nKEY = {house.key!r}\n{code}")
        command = [sys.executable, str(script)]
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"BASE": house.url(""), "KEY": house.key, "PATH": "/usr/bin:/bin"},
    )
    return told.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_every_example_answers_as_printed(house: House, tmp_path: Path) -> None:
    """Each block is run; each line of it that starts with # stands in the answer."""
    assert len(EXAMPLES) >= 10
    for language, code in EXAMPLES:
        answer = _run(language, code, house, tmp_path)
        expected = re.findall(r"^# (.*)$", code, re.MULTILINE)
        assert expected, code
        for line in expected:
            assert line in answer, f"{code}\n{answer}"
