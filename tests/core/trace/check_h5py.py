"""Opens a sample trace with h5py: names, shapes, types, attributes, a few values, no foreign filters.

usage: check_h5py.py MAKE_SAMPLE_TRACE
"""
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

N, LAYERS, HEADS, KV, D, W, T, VOCAB, K = 256, 4, 4, 2, 16, 8, 6, 512, 8


def expected(run):
    heads = {"lse": HEADS, "entropy": HEADS, "received": HEADS, "window_sum": HEADS, "key_norm": KV, "value_norm": KV}
    for layer in range(LAYERS):
        base = f"attention/{layer:03}/"
        for name, count in heads.items():
            yield base + name, (count, N), "<f4"
        yield base + "window_rows", (HEADS, W, N), "<u2"
        yield base + "query", (HEADS, N, D), "<u2"
        yield base + "key", (KV, N, D), "<u2"
        for kind in ("mean", "max"):
            for level, side in enumerate((128, 64)):
                yield f"{base}map/{kind}/{level}", (HEADS, side, side), "<u2"
    for name, shape, kind in (("ids", (N,), "<u4"), ("offsets", (N + 1,), "<u8"), ("spans", (2, 2), "<u8"),
                              ("next_logits", (VOCAB,), "<f4")):
        yield "prompt/" + name, shape, kind
    for index in range(5):
        base = f"runs/{index:03}/"
        yield base + "capacity", (LAYERS, KV), "<u4"
        yield base + "kept/offsets", (LAYERS * KV + 1,), "<u8"
        yield base + "decode/ids", (T,), "<u4"
        yield base + "decode/offsets", (T + 1,), "<u8"
        yield base + "decode/attended", (T, LAYERS, HEADS, K), "<u4"
        yield base + "decode/attended_mass", (T, LAYERS, HEADS, K), "<f4"
        if index:
            yield base + "decode/kl", (T,), "<f4"
            yield base + "retained", (T, LAYERS, HEADS), "<f4"
            yield base + "oracle", (T, LAYERS, HEADS), "<f4"


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.kva.h5")
        subprocess.run([sys.argv[1], path], check=True)
        with h5py.File(path, "r") as trace:
            assert trace.attrs["format"] == b"kvatlas-trace" and trace.attrs["format_version"] == 1
            assert trace.attrs["status"] == b"complete"
            assert trace["model"].attrs["query_heads"] == HEADS and trace["model"].attrs["rope_theta"] == 10000.0
            for name, shape, kind in expected(trace):
                data = trace[name]
                assert data.shape == shape and data.dtype == np.dtype(kind), (name, data.shape, data.dtype)
                assert data.compression is None, name
            assert "decode/kl" not in trace["runs/000"] and trace["notes"].shape == (0,)
            assert list(trace["prompt/span_names"][:]) == [b"needle", b"question"]
            text, offsets = trace["prompt/text"][:].tobytes().decode(), trace["prompt/offsets"][:]
            begin, end = trace["prompt/spans"][0]
            assert "48213" in text[offsets[begin]:offsets[end]]
            mass, attended = trace["runs/003/decode/attended_mass"][:], trace["runs/003/decode/attended"][:]
            assert (np.diff(mass, axis=3) <= 0).all() and (mass.sum(3) <= 1 + 1e-5).all()
            assert attended[0].max() < N and (attended[1:].max((1, 2, 3)) < N + np.arange(1, T)).all()
            layer = trace["attention/001"]
            assert np.allclose(layer["received"][:].sum(1), N, rtol=1e-5)
            codes = layer["window_rows"][:].astype(np.float64)
            rows = np.where(codes > 0, 2 ** ((codes - 1) / 65534 * 32 - 32), 0)
            assert np.allclose(rows.sum(2), 1, rtol=1e-3)
            assert np.allclose(rows.sum(1), layer["window_sum"][:], rtol=1e-3, atol=1e-6)
            assert layer["map/mean/0"].attrs["cell"] == 2
            assert not np.triu(layer["map/max/0"][0], 1).any()
            kept, offsets = trace["runs/003/kept/positions"][:], trace["runs/003/kept/offsets"][:]
            assert (np.diff(kept[offsets[0]:offsets[1]].astype(int)) > 0).all()
            assert trace["runs/003"].attrs["method"] == b"snapkv" and trace["runs/003"].attrs["budget_realised"] == 32
    print("ok")


main()
