"""The bundled trace, a copy to damage, and tables exported by the command line: the independent oracle."""
import csv
import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.environ["KVATLAS_SOURCE_DIR"]
EXAMPLE = os.path.join(SOURCE, "resources/examples/marlow.kva.h5")
RESULTS = os.path.join(SOURCE, "tests/data/needle/old_run")

try:
    import pandas  # noqa: F401
    HAS_PANDAS = True
except ImportError:
    HAS_PANDAS = False

needs_pandas = unittest.skipUnless(HAS_PANDAS, "pandas is not installed")


class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def copy(self, name="a.kva.h5"):
        path = os.path.join(self.folder, name)
        shutil.copyfile(EXAMPLE, path)
        return path

    def export(self, source, what, *options):
        """Rows of `kvatlas export` as dictionaries."""
        path = os.path.join(self.folder, "export.csv")
        command = [os.environ["KVATLAS_PROGRAMME"], "export", source, what, "-o", path, *options]
        subprocess.run(command, check=True, capture_output=True)
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        os.remove(path)
        return rows
