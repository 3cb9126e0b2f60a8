"""Every block of docs/python.md runs, on the bundled example and the stored results under the names it uses."""
import contextlib
import io
import json
import os
import re
import shutil
import unittest

from support import EXAMPLE, RESULTS, SOURCE, FolderTest, needs_pandas


def blocks():
    with open(os.path.join(SOURCE, "docs/python.md"), encoding="utf-8") as file:
        return re.findall(r"^```python\n(.*?)^```$", file.read(), re.S | re.M)


def has(module):
    try:
        __import__(module)
        return True
    except ImportError:
        return False


def write_needle_run(folder):
    """The stored run, its SnapKV records repeated for the methods and budgets of the recipes."""
    shutil.copytree(RESULTS, folder)
    path = os.path.join(folder, "results.jsonl")
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            branches = [("full", "full")] if record["method"] == "full" else [(m, b) for m in ("h2o", "snapkv") for b in ("64", "128")]
            for method, budget in branches:
                file.write(json.dumps({**record, "method": method, "label": method, "budget": budget}) + "\n")


class RecipesTest(FolderTest):
    @needs_pandas
    def test_all_blocks_run(self):
        os.mkdir(os.path.join(self.folder, "demo-output"))
        shutil.copyfile(EXAMPLE, os.path.join(self.folder, "demo-output/smollm2.kva.h5"))
        write_needle_run(os.path.join(self.folder, "needle"))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        state, ran, output = {}, 0, io.StringIO()
        self.addCleanup(lambda: state["trace"].close())
        for block in blocks():
            if "matplotlib" in block and not has("matplotlib"):
                continue
            with contextlib.redirect_stdout(output):
                exec(compile(block.replace(" 128", " 96"), "docs/python.md", "exec"), state)
            ran += 1
        self.assertGreaterEqual(ran, 9)
        self.assertIn("needle kept:", output.getvalue())


if __name__ == "__main__":
    unittest.main()
