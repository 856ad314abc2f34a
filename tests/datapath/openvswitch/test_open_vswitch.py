"""The comparison's own tools."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import open_vswitch
import pytest


def test_a_daemon_that_does_not_listen_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "slow.ctl"
    with socket.socket(socket.AF_UNIX) as server:
        threading.Timer(0.05, lambda: server.bind(str(path))).start()
        threading.Timer(0.15, server.listen).start()
        with open_vswitch.connect(path) as client:
            assert client.getpeername() == str(path)


def test_a_daemon_that_never_listens_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_vswitch, "DEADLINE_S", 0.05)
    with pytest.raises(open_vswitch.OvsError, match=r"nobody listens at gone\.ctl"):
        open_vswitch.connect(tmp_path / "gone.ctl")
