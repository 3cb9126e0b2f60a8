"""Results folders: tables equal those of `kvatlas export`."""
import os
import shutil
import unittest

import kvatlas
import numpy as np
from support import RESULTS, FolderTest, needs_pandas


class ResultsTest(FolderTest):
    def test_records_are_those_of_the_file(self):
        results = kvatlas.open_results(RESULTS)
        rows = self.export(RESULTS, "records")
        self.assertEqual(len(results), len(rows))
        self.assertEqual([r["answer"] for r in results.records], [row["answer"] for row in rows])
        self.assertIn("lengths", results.settings)

    @needs_pandas
    def test_accuracy(self):
        for score in (None, "word_overlap"):
            table = kvatlas.open_results(RESULTS).accuracy(score)
            rows = self.export(RESULTS, "accuracy", *(["--score", score] if score else []))
            self.assertEqual(table["label"].tolist(), [row["label"] for row in rows])
            for name in ("budget_nominal", "kept", "records", "score", "low", "high"):
                np.testing.assert_allclose(table[name], [float(row[name]) for row in rows], rtol=1e-9, atol=1e-12)

    @needs_pandas
    def test_grid(self):
        rows = [row for row in self.export(RESULTS, "needle") if row["label"] == "full"]
        grid = kvatlas.open_results(RESULTS).grid("full")
        for row in rows:
            self.assertAlmostEqual(grid.loc[float(row["depth"]), int(row["length"])], float(row["score"]))
        with self.assertRaisesRegex(KeyError, "no records of 'nobody'"):
            kvatlas.open_results(RESULTS).grid("nobody")

    @needs_pandas
    def test_an_unknown_score_names_the_known_ones(self):
        with self.assertRaisesRegex(KeyError, "word_overlap"):
            kvatlas.open_results(RESULTS).accuracy("bleu")

    def test_a_cut_last_line_is_left_out(self):
        copy = os.path.join(self.folder, "cut")
        shutil.copytree(RESULTS, copy)
        path = os.path.join(copy, "results.jsonl")
        os.truncate(path, os.path.getsize(path) - 5)
        self.assertEqual(len(kvatlas.open_results(copy)), len(kvatlas.open_results(RESULTS)) - 1)

    def test_what_is_no_results_folder(self):
        with self.assertRaisesRegex(kvatlas.TraceError, "settings.json: no such file"):
            kvatlas.open_results(self.folder)
        with open(os.path.join(self.folder, "settings.json"), "w") as file:
            file.write("{")
        with self.assertRaisesRegex(kvatlas.TraceError, "is no JSON"):
            kvatlas.open_results(self.folder)


if __name__ == "__main__":
    unittest.main()
