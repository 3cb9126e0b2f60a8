"""What the Python reader returns equals what `kvatlas export` writes."""
import os
import subprocess
import unittest

import h5py
import kvatlas
import numpy as np
from support import EXAMPLE, SOURCE, FolderTest, needs_pandas


def numbers(rows, column, kind=float):
    return np.array([kind(row[column]) for row in rows])


class TraceTest(FolderTest):
    def setUp(self):
        super().setUp()
        self.trace = kvatlas.open(EXAMPLE)
        self.addCleanup(self.trace.close)

    def test_model_and_prompt(self):
        trace = self.trace
        self.assertTrue(trace.complete)
        self.assertEqual((trace.model.layers, trace.model.query_heads, trace.model.kv_heads, trace.model.group_size), (6, 6, 3, 2))
        rows = self.export(EXAMPLE, "tokens")
        self.assertEqual(trace.prompt.tokens, [row["text"] for row in rows])
        np.testing.assert_array_equal(trace.prompt.ids, numbers(rows, "id", int))
        spans = [(s.name, s.begin, s.end) for s in trace.prompt.spans]
        self.assertEqual(spans, [(r["name"], int(r["begin"]), int(r["end"])) for r in self.export(EXAMPLE, "spans")])
        needle = trace.prompt.span("needle")
        self.assertIn("48213", "".join(trace.prompt.token(p) for p in needle.positions))
        with self.assertRaisesRegex(KeyError, "no span 'x'"):
            trace.prompt.span("x")

    def test_kept_positions_of_every_run_layer_and_head(self):
        rows = self.export(EXAMPLE, "kept")
        wanted = {}
        for row in rows:
            wanted.setdefault((int(row["run"]), int(row["layer"]), int(row["head"])), []).append(int(row["position"]))
        self.assertEqual(len(wanted), 9 * 6 * 3)
        for (run, layer, head), positions in wanted.items():
            np.testing.assert_array_equal(self.trace.runs[run].kept(layer, head), positions)

    def test_masks_and_evicted_complete_the_kept_set(self):
        run = self.trace.runs["pyramidkv 96"]
        masks = run.masks()
        np.testing.assert_array_equal(masks.sum(2), run.capacity)
        np.testing.assert_array_equal(masks[4, 2], run.mask(4, 2))
        together = np.concatenate([run.kept(4, 2), run.evicted(4, 2)])
        np.testing.assert_array_equal(np.sort(together), np.arange(len(self.trace.prompt)))

    def test_query_heads_share_the_list_of_their_kv_head(self):
        run = self.trace.runs["snapkv 24"]
        for query_head in range(6):
            np.testing.assert_array_equal(run.kept(2, query_head=query_head), run.kept(2, query_head // 2))
        self.assertFalse(np.array_equal(run.kept(2, 0), run.kept(2, 1)))

    def test_signals(self):
        for name, heads in (("lse", 6), ("entropy", 6), ("received", 6), ("window_sum", 6), ("key_norm", 3), ("value_norm", 3)):
            rows = self.export(EXAMPLE, name.replace("_", "-"), "--layer", "3", "--head", str(heads - 1))
            values = numbers(rows, "value")
            np.testing.assert_allclose(self.trace.signal(name, 3, heads - 1), values, rtol=1e-6)
            self.assertEqual(self.trace.signal(name, 3).shape, (heads, 377))

    def test_maps(self):
        for reduction in ("mean", "max"):
            for level, side in ((0, 95), (1, 48)):
                rows = self.export(EXAMPLE, "map", "--layer", "2", "--head", "4", "--level", str(level), "--reduction", reduction)
                got = self.trace.map(2, 4, reduction, level)
                self.assertEqual(got.shape, (side, side))
                wanted = np.zeros_like(got)
                for row in rows:
                    wanted[int(row["row"]), int(row["column"])] = float(row["value"])
                np.testing.assert_allclose(got, wanted, rtol=1e-5)

    def test_exact_attention(self):
        rows = self.export(EXAMPLE, "tile", "--layer", "3", "--head", "1", "--queries", "100:164", "--keys", "90:150")
        wanted = np.zeros((64, 60))
        for row in rows:
            wanted[int(row["query"]) - 100, int(row["key"]) - 90] = float(row["value"] or 0)
        got = self.trace.attention(3, 1, slice(100, 164), slice(90, 150))
        np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=1e-9)
        self.assertEqual(float(np.triu(self.trace.attention(3, 1), 1).max()), 0)

    def test_window_rows_sum_to_the_window_sum(self):
        summed = self.trace.window_rows(5, 3).sum(0)
        np.testing.assert_allclose(summed, self.trace.signal("window_sum", 5, 3), rtol=4e-4, atol=1e-8)

    def test_decoding(self):
        run = self.trace.runs["snapkv 96"]
        rows = self.export(EXAMPLE, "decode", "--run", str(run.index))
        np.testing.assert_array_equal(run.decode.ids, numbers(rows, "id", int))
        np.testing.assert_allclose(run.decode.kl, numbers(rows, "kl"), rtol=1e-6)
        self.assertEqual("".join(run.decode.tokens), run.decode.text)
        rows = self.export(EXAMPLE, "retained", "--run", str(run.index))
        shape = (len(run.decode), 6, 6)
        np.testing.assert_allclose(run.retained, numbers(rows, "retained").reshape(shape), rtol=1e-6)
        np.testing.assert_allclose(run.oracle, numbers(rows, "oracle").reshape(shape), rtol=1e-6)
        rows = self.export(EXAMPLE, "attended", "--run", str(run.index), "--layer", "4")
        known = run.decode.attended[:, 4] != 4294967295
        np.testing.assert_array_equal(run.decode.attended[:, 4][known], numbers(rows, "position", int))
        np.testing.assert_allclose(run.decode.attended_mass[:, 4][known], numbers(rows, "mass"), rtol=1e-6)

    def test_the_full_cache_has_no_reference_of_its_own(self):
        full = self.trace.runs[0]
        self.assertTrue(full.is_full)
        for name in ("retained", "oracle"):
            with self.assertRaises(kvatlas.NotCaptured):
                getattr(full, name)
        self.assertEqual(full.kept(0, 0).tolist(), list(range(377)))

    def test_held_adds_the_fed_tokens(self):
        run = self.trace.runs["snapkv 24"]
        held = run.held(3, 2, 1)
        np.testing.assert_array_equal(held[:-3], run.kept(2, 1))
        np.testing.assert_array_equal(held[-3:], [377, 378, 379])

    def test_held_keeps_the_question_behind_a_compressed_context(self):
        path = self.copy()
        with h5py.File(path, "r+") as file:
            question = file.create_group("prompt/question")
            question["ids"] = np.array([5, 6], "<u4")
            question["text"] = np.frombuffer(b"Who?", "u1")
            question["offsets"] = np.array([0, 3, 4], "<u8")
        with kvatlas.open(path) as trace:
            self.assertEqual((trace.prompt.question, trace.prompt.question_ids.tolist()), ("Who?", [5, 6]))
            run = trace.runs["snapkv 24"]
            np.testing.assert_array_equal(run.held(0, 2, 1)[-2:], [377, 378])
            np.testing.assert_array_equal(run.held(2, 2, 1)[-4:], [377, 378, 379, 380])

    def test_runs_by_label_and_method(self):
        self.assertEqual([r.label for r in self.trace.runs.of_method("h2o")], ["h2o 24", "h2o 96"])
        self.assertIn("h2o 24", self.trace.runs)
        self.assertEqual(self.trace.runs["h2o 24"].parameters["window"], 8)
        with self.assertRaisesRegex(KeyError, "snapkv 24"):
            self.trace.runs["snapkv 25"]

    def test_wrong_arguments(self):
        with self.assertRaisesRegex(ValueError, "unknown signal"):
            self.trace.signal("lsd", 0)
        for call in (lambda: self.trace.runs[1].kept(6, 0), lambda: self.trace.runs[1].kept(0, 3), lambda: self.trace.signal("lse", 0, 6)):
            with self.assertRaises(IndexError):
                call()
        with self.assertRaises(TypeError):
            self.trace.runs[1].kept(0)
        with self.assertRaises(kvatlas.NotCaptured):
            self.trace.map(0, 0, level=2)

    @needs_pandas
    def test_frames(self):
        table = self.trace.runs.frame()
        rows = self.export(EXAMPLE, "runs")
        self.assertEqual(list(table.columns[: len(rows[0])]), list(rows[0]))
        self.assertEqual(table["text"].tolist(), [row["text"] for row in rows])
        tokens = self.trace.tokens_frame(3, 1)
        self.assertEqual((len(tokens), tokens["text"][3]), (377, self.trace.prompt.token(3)))
        np.testing.assert_array_equal(tokens["key_norm"], self.trace.signal("key_norm", 3, 0))
        steps = self.trace.runs["h2o 96"].decode.frame()
        self.assertEqual(list(steps.columns), ["step", "id", "text", "kl", "retained"])

    def test_the_version_is_that_of_the_programme(self):
        with open(f"{SOURCE}/CMakeLists.txt", encoding="utf-8") as file:
            self.assertIn(f"VERSION {kvatlas.__version__} ", file.read())
        with open(f"{SOURCE}/resources/python/pyproject.toml", encoding="utf-8") as file:
            self.assertIn(f'version = "{kvatlas.__version__}"', file.read())


@unittest.skipUnless(os.environ.get("KVATLAS_HAS_CAPTURE"), "this build has no capture library")
class RepeatedDecisionTest(FolderTest):
    def test_held_leaves_out_what_was_evicted_while_decoding(self):
        path = os.path.join(self.folder, "every.kva.h5")
        subprocess.run([os.environ["KVATLAS_PROGRAMME"], "capture", "--model", f"{SOURCE}/resources/models/tiny-llama",
                        "--prompt", f"{SOURCE}/resources/examples/marlow.txt", "--method", "tova:every=1", "--budget", "32",
                        "--max-new-tokens", "6", "-q", "-o", path], check=True, capture_output=True)
        with kvatlas.open(path) as trace:
            run = trace.runs[1]
            self.assertEqual(run.every, 1)
            self.assertGreater(len(run.decode.evicted), 0)
            for step in range(len(run.decode)):
                held = run.held(step, 2, 1)
                self.assertLessEqual(len(held), 33)
                attended = run.decode.attended[step, 2, 2:4].ravel()
                if step > 0:
                    self.assertTrue(set(attended[attended != 4294967295]) <= set(held))


if __name__ == "__main__":
    unittest.main()
