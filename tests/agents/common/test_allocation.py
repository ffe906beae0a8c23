"""What a process frees it keeps for what it needs next."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, as what is set stays so.
_SCRIPT = """
import resource, sys
import numpy as np
from agents.common.allocation import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        arrays = [np.ones(2**16) for _ in range(10)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if "keep" in sys.argv:
    keep_freed_memory()
faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there is anything to keep")
def test_memory_is_asked_for_once() -> None:
    def faults(*arguments: str) -> int:
        command = [sys.executable, "-c", _SCRIPT, *arguments]
        return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    assert faults("keep") < 50 <= faults()
