"""Damaged, unfinished and partial files: one clear error, and what is there can be read."""
import os
import subprocess
import sys
import unittest

import h5py
import kvatlas
import numpy as np
from support import EXAMPLE, FolderTest


class DamagedTest(FolderTest):
    def refused(self, path, words, read=lambda trace: None):
        with self.assertRaisesRegex(kvatlas.TraceError, words) as caught:
            with kvatlas.open(path) as trace:
                read(trace)
        self.assertIn(path, str(caught.exception))

    def changed(self, change):
        path = self.copy()
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    def test_no_trace(self):
        path = os.path.join(self.folder, "x.kva.h5")
        self.refused(path, "no such file")
        with open(path, "wb") as file:
            file.write(b"x" * 1000)
        self.refused(path, "cannot be opened as HDF5")
        with h5py.File(path, "w") as file:
            file["a"] = 1
        self.refused(path, "not a KVAtlas trace")

    def test_a_newer_version(self):
        self.refused(self.changed(lambda f: f.attrs.modify("format_version", np.uint32(2))), "version 2 is newer than 1")

    def test_a_missing_member(self):
        self.refused(self.changed(lambda f: f["model"].attrs.__delitem__("layers")), "missing")

    def test_a_wrong_shape_is_refused_before_it_is_read(self):
        def huge(file):
            del file["attention/001/lse"]
            file.create_dataset("attention/001/lse", (6, 1 << 40), "<f4", chunks=(1, 1 << 20))
        self.refused(self.changed(huge), "lse: is float32 .*expected", lambda t: t.signal("lse", 1))

    def test_links_are_not_followed(self):
        other = self.copy("other.kva.h5")
        for link in (h5py.ExternalLink(other, "/attention/001/lse"), h5py.SoftLink("/attention/000/lse")):
            def change(file):
                del file["attention/001/lse"]
                file["attention/001/lse"] = link
            self.refused(self.changed(change), "soft or external link", lambda t: t.signal("lse", 1))

    def test_a_foreign_filter(self):
        def change(file):
            del file["attention/001/lse"]
            file.create_dataset("attention/001/lse", data=np.ones((6, 377), "<f4"), compression="lzf")
        self.refused(self.changed(change), "filter", lambda t: t.signal("lse", 1))

    def test_gzip_is_read(self):
        def change(file):
            values = file["attention/001/lse"][:]
            del file["attention/001/lse"]
            file.create_dataset("attention/001/lse", data=values, compression="gzip", shuffle=True)
        with kvatlas.open(self.changed(change)) as trace, kvatlas.open(EXAMPLE) as before:
            np.testing.assert_array_equal(trace.signal("lse", 1), before.signal("lse", 1))

    def test_absent_and_never_written_data_were_not_captured(self):
        def change(file):
            del file["attention/001/lse"]
            del file["attention/002/lse"]
            file.create_dataset("attention/002/lse", (6, 377), "<f4", chunks=(1, 377))
        with kvatlas.open(self.changed(change)) as trace:
            for layer in (1, 2, 99):
                with self.assertRaises(kvatlas.NotCaptured):
                    trace.signal("lse", layer)

    def test_heads_that_were_not_recorded(self):
        def change(file):
            file["attention"].attrs["heads"] = np.array([0, 3], "<u4")
        with kvatlas.open(self.changed(change)) as trace:
            self.assertEqual(trace.heads, (0, 3))
            self.assertEqual(np.isnan(trace.signal("lse", 0)).all(1).tolist(), [False, True, True, False, True, True])
            self.assertFalse(np.isnan(trace.signal("key_norm", 0)).any())
            with self.assertRaisesRegex(kvatlas.NotCaptured, "head 1"):
                trace.map(0, 1)

    def test_an_unfinished_run(self):
        def change(file):
            file.attrs.modify("status", np.bytes_("recording"))
            file["runs/008"].attrs.modify("recorded", np.uint8(0))
            file["attention/005"].attrs.modify("recorded", np.uint8(0))
        with kvatlas.open(self.changed(change)) as trace:
            self.assertFalse(trace.complete)
            self.assertEqual(trace.layers, (0, 1, 2, 3, 4))
            with self.assertRaisesRegex(kvatlas.NotCaptured, "pyramidkv 96.*not finished"):
                trace.runs[8].kept(0, 0)
            self.assertEqual(len(trace.runs[7].kept(0, 0)), trace.runs[7].capacity[0, 0])

    def test_a_file_whose_writer_was_killed(self):
        path = self.copy("killed.kva.h5.part")
        script = ("import h5py, os, sys; f = h5py.File(sys.argv[1], 'r+', libver='latest'); f.swmr_mode = True; "
                  "f.flush(); os._exit(0)")
        subprocess.run([sys.executable, "-c", script, path], check=True)
        with self.assertRaises(OSError):
            h5py.File(path, "r")
        with kvatlas.open(path) as trace:
            self.assertEqual(trace.runs["snapkv 96"].decode.text.strip(), "48213.")

    def test_a_damaged_start_of_a_file_whose_writer_was_killed(self):
        path = self.copy("killed.kva.h5.part")
        with open(path, "r+b") as file:
            file.seek(11)
            file.write(b"\x05")  # marks of its writer, without the block's new checksum
        self.refused(path, "cannot be opened")

    def test_a_cut_file(self):
        path = self.copy()
        os.truncate(path, os.path.getsize(path) // 2)
        self.refused(path, "cannot be opened")

    def test_offsets_beyond_the_text(self):
        def change(file):
            file["prompt/offsets"][-1] = 1 << 40
        self.refused(self.changed(change), "prompt/offsets")


if __name__ == "__main__":
    unittest.main()
