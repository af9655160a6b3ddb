"""Another wall clock for one process."""
import shutil
import struct
import subprocess

import pytest

from . import figures


class Clock:
    """A shift in seconds that a server sees at once."""

    def __init__(self, store):
        here = __file__.removesuffix("clock.py") + "clock.c"
        library, self.file = store.folder / "clock.so", store.folder / "clock"
        compiler = shutil.which("clang") or shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            figures.gap("a clock set back: no C compiler for the shim")
            pytest.skip("no C compiler")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, here, "-ldl"], check=True)
        self.set(0)
        store.environment.update(LD_PRELOAD=str(library), KEYWARD_TEST_CLOCK=str(self.file))

    def set(self, seconds):
        # In place: the server has the file mapped.
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))
