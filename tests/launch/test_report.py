"""What a person reads when the launcher cannot go on."""

from __future__ import annotations

import io
import signal
import threading
import time
from pathlib import Path

import pytest

from app.launch.processes import wait_gone
from app.launch.programs import explained, must, run
from app.launch.report import Progress, Stop

FAILING = ("安装失败", "Installing failed")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        pytest.param("tar: cannot write: No space left on device", "The disk is full", id="tar on a full disk"),
        pytest.param("error: ENOSPC: write", "The disk is full", id="node on a full disk"),
        pytest.param("W: Temporary failure resolving 'mirror'", "cannot be reached", id="apt without a network"),
        pytest.param("npm error code ENOTFOUND", "cannot be reached", id="npm without a network"),
        pytest.param("dns error: failed to lookup address", "cannot be reached", id="uv without a network"),
        pytest.param("hash mismatch", "Installing failed; the reason is above", id="anything else"),
    ],
)
def test_a_failure_is_one_sentence_under_what_the_program_said(output: str, sentence: str) -> None:
    stop = explained(output, FAILING)
    assert sentence in stop.en
    assert stop.text().startswith(f"  | {output}\n✗ ")
    assert stop.code == 1


def test_what_retries_repeat_is_shown_once() -> None:
    assert Stop("坏了", "broken", detail="again\nagain\nagain\nend").text().count("again") == 1


def test_a_program_that_fails_stops_the_command() -> None:
    with pytest.raises(Stop, match="Installing failed"):
        must(["sh", "-c", "echo why; exit 3"], failing=FAILING)


def test_each_step_shows_its_time_also_when_it_fails() -> None:
    shown = io.StringIO()
    progress = Progress(shown)
    with progress.step("first"):
        pass
    with pytest.raises(ZeroDivisionError), progress.step("second"):
        _ = 1 / 0
    assert [title for title, _ in progress.steps] == ["first", "second"]
    assert "✓ first  0.0 s" in shown.getvalue()
    assert "✗ second  0.0 s" in shown.getvalue()


def test_an_interrupted_program_takes_along_what_it_has_started(tmp_path: Path) -> None:
    grandchild = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {grandchild}; wait"

    def interrupt() -> None:
        while not grandchild.exists() or not grandchild.read_text().strip():
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run(["sh", "-c", script])
    finally:
        signal.signal(signal.SIGINT, before)
    assert wait_gone(int(grandchild.read_text()), 5)
