"""What the daemon's engines need of the process."""

import subprocess
import sys

PROGRAM = """
import resource
from datapath.vswitchd.engines import Engines
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))
Engines()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_engines_take_as_many_file_descriptors_as_the_process_may_have():
    """A bridge takes three and a port one, so a large network needs more than the usual soft limit."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "512\n"
