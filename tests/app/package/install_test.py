"""An installed KVAtlas: nothing points back to the build, everything is found relative to the programmes, pages and menus are there."""
import configparser
import os
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

BUILD = os.environ["KVATLAS_BUILD"]


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        first = os.path.join(cls.folder.name, "first")
        subprocess.run([os.environ["KVATLAS_CMAKE"], "--install", BUILD, "--prefix", first], check=True, capture_output=True)
        cls.prefix = os.path.join(cls.folder.name, "moved")
        os.rename(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.prefix, name)

    def run_installed(self, *words):
        done = subprocess.run([self.path("bin/kvatlas"), *words], capture_output=True, text=True, cwd=self.folder.name,
                              env={key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_it_captures_and_draws_from_where_it_stands(self):
        text = self.run_installed("generate", "--model", self.path("share/kvatlas/models/tiny-llama"), "--text", "The secret number", "--max-new-tokens", "2",
                                  "--device", "cpu", "-q")
        self.assertTrue(text.strip())
        self.run_installed("figure", "budget", self.path("share/kvatlas/examples/marlow.kva.h5"), "-o", "budget.pdf")
        self.assertGreater(os.path.getsize(os.path.join(self.folder.name, "budget.pdf")), 1000)

    def test_nothing_points_back_to_the_build(self):
        folders = [os.path.dirname(BUILD), BUILD]
        for name in ["bin/kvatlas", "bin/kvatlas-explorer", "lib/kvatlas/libkvatlas_capture.so", "lib/kvatlas/libkvatlas_figures.so",
                     "lib/kvatlas/libkvatlas_guard.so"]:
            dynamic = subprocess.run(["readelf", "-d", self.path(name)], check=True, capture_output=True, text=True).stdout
            for line in dynamic.splitlines():
                if "RPATH" in line or "RUNPATH" in line:
                    self.assertFalse(any(folder in line for folder in folders), line)

    def test_every_command_has_a_page(self):
        page = subprocess.run([self.path("bin/kvatlas"), "--help"], check=True, capture_output=True, text=True).stdout
        commands = [line.split()[0] for line in page.split("Subcommands:")[1].splitlines() if line.startswith("  ") and line[2] != " "]
        self.assertIn("capture", commands)
        pages = set(os.listdir(self.path("share/man/man1")))
        self.assertLessEqual({f"kvatlas-{command}.1" for command in commands} | {"kvatlas.1", "kvatlas-explorer.1"}, pages)
        for completion in ("bash-completion/completions/kvatlas", "zsh/vendor-completions/_kvatlas", "fish/vendor_completions.d/kvatlas.fish",
                           "bash-completion/completions/kvatlas-explorer"):
            with open(self.path("share/" + completion), encoding="utf-8") as file:
                self.assertIn("kvatlas", file.read())

    def test_menu_entry_icon_and_file_type_belong_together(self):
        entry = configparser.ConfigParser(interpolation=None)
        entry.optionxform = str
        entry.read(self.path("share/applications/kvatlas-explorer.desktop"))
        entry = entry["Desktop Entry"]
        self.assertTrue(os.access(self.path("bin/" + entry["Exec"].split()[0]), os.X_OK))
        self.assertTrue(os.path.exists(self.path(f"share/icons/hicolor/scalable/apps/{entry['Icon']}.svg")))
        space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
        kind = xml.etree.ElementTree.parse(self.path("share/mime/packages/kvatlas.xml")).getroot().find("m:mime-type", space)
        self.assertEqual(entry["MimeType"], kind.get("type") + ";")
        self.assertEqual(kind.find("m:glob", space).get("pattern"), "*.kva.h5")
        if shutil.which("desktop-file-validate"):
            subprocess.run(["desktop-file-validate", self.path("share/applications/kvatlas-explorer.desktop")], check=True)

    def test_the_documents_and_licences_are_there(self):
        for name in ("README.md", "LICENSE", "copyright", "docs/explorer.md", "core/trace/FORMAT.md"):
            self.assertTrue(os.path.exists(self.path("share/doc/kvatlas/" + name)), name)


if __name__ == "__main__":
    unittest.main()
