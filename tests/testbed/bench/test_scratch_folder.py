"""The benchmarks' temporary folder is gone afterwards, also after a kill."""

from __future__ import annotations

from pathlib import Path

from testbed.bench.scratch_folder import scratch_folder
from testbed.wait import wait_until
from tests.testbed.processes import script


def test_it_is_removed_with_what_is_in_it() -> None:
    with scratch_folder() as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x")
    assert not folder.exists()


def test_it_is_removed_after_a_kill() -> None:
    code = (
        "import time\nfrom testbed.bench.scratch_folder import scratch_folder\n"
        "with scratch_folder() as folder:\n"
        "    (folder / 'file').write_text('x')\n    print(folder, flush=True)\n    time.sleep(1000)\n"
    )
    with script(code) as killed:
        assert killed.stdout is not None
        folder = Path(killed.stdout.readline().strip())
        assert (folder / "file").exists()
    wait_until(lambda: not folder.exists(), what="the folder's end")
