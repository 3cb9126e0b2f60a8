"""The exported page in headless Chromium, with real mouse, wheel and key events. Keeps screenshots of both themes."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, driver_path

SOURCE = os.environ["KVATLAS_SOURCE_DIR"]
EXAMPLE = os.path.join(SOURCE, "resources/examples/marlow.kva.h5")
PICTURES = os.environ.get("KVATLAS_PAGE_PICTURES", tempfile.gettempdir())
DOWN, PLUS = "\ue015", "+"


def export(*options):
    path = os.path.join(FOLDER.name, "view.html")
    done = subprocess.run([os.environ["KVATLAS_PROGRAMME"], "export", EXAMPLE, "page", "-o", path, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path, done.stderr


def exported_kept(run, layer, head):
    path = os.path.join(FOLDER.name, "kept.json")
    subprocess.run([os.environ["KVATLAS_PROGRAMME"], "export", EXAMPLE, "kept", "--run", str(run), "--layer", str(layer), "--head", str(head),
                    "-o", path], check=True, capture_output=True)
    with open(path) as file:
        rows = json.load(file)
    return [row["position"] for row in rows]


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page, cls.said = export()
        cls.browser = Browser(1440, 900)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.open("/dev/null")
        self.browser.open(self.page)
        self.browser.settle()

    def text(self, id):
        return self.browser.run("return document.getElementById(arguments[0]).textContent", id)

    def state(self):
        return json.loads(self.browser.run("return JSON.stringify({...state, ...view})"))

    def map_point(self, query, key):
        """Where a pair lies on the screen, from the drawn axes."""
        return self.browser.run("const l = layout(), r = canvas.getBoundingClientRect(); return [r.x + toX(l, arguments[1] + 0.5), r.y + toY(l, arguments[0] + 0.5)]", query, key)

    def strip_point(self, run):
        return self.browser.run("const l = layout(), r = canvas.getBoundingClientRect(); return [r.x + l.box.x + 40, r.y + l.strips.top + (stripRuns(l).indexOf(arguments[0]) + 0.5) * stripHeight]", run)

    def test_it_loads_without_errors_and_without_a_network(self):
        self.assertEqual([entry["message"] for entry in self.browser.log("browser") if entry["level"] == "SEVERE"], [])
        requests = [json.loads(entry["message"])["message"] for entry in self.browser.log("performance")]
        urls = {one["params"]["request"]["url"] for one in requests if one["method"] == "Network.requestWillBeSent"}
        self.assertEqual({url.split("#")[0] for url in urls if not url.startswith(("data:", "chrome:", "file:///dev/null"))}, {"file://" + self.page})

    def test_it_says_its_size_before_it_is_written(self):
        self.assertRegex(self.said, r"view\.html: \d+\.\d MB, 36 maps of 95 × 95 cells, 4 tokens each")

    def test_it_starts_at_the_head_that_reads_the_needle(self):
        values = self.browser.run("return data.metrics[0].values")
        state = self.state()
        self.assertEqual(values[state["layer"]][state["head"]], max(max(row) for row in values))
        self.assertEqual(state["run"], 0)
        self.assertIn("needle", self.browser.run("return data.metrics[0].name"))

    def test_hover_reads_the_pair_under_the_pointer(self):
        self.browser.pointer(("move", *self.map_point(300, 2)))
        readout = self.text("readout")
        self.assertRegex(readout, r"^query 300 .* · key 2 ")
        path = os.path.join(FOLDER.name, "map.json")
        state = self.state()
        subprocess.run([os.environ["KVATLAS_PROGRAMME"], "export", EXAMPLE, "map", "--layer", str(state["layer"]), "--head", str(state["head"]),
                        "-o", path], check=True, capture_output=True)
        with open(path) as file:
            value = next(row["value"] for row in json.load(file) if (row["row"], row["column"]) == (300 // 4, 0))
        shown = float(readout.split(" pairs ")[1].split(" ")[0].replace("−", "-"))
        self.assertAlmostEqual(shown / value, 1, delta=0.1)  # 4 %, and two digits
        self.assertEqual(self.browser.run("return textBox.querySelector('.here').dataset.i"), "2")
        self.browser.pointer(("move", *self.map_point(100, 200)))
        self.assertIn("above the diagonal", self.text("readout"))

    def test_wheel_zooms_at_the_pointer_and_drag_pans(self):
        x, y = self.map_point(300, 120)
        self.browser.wheel(x, y, -240)
        state = self.state()
        self.assertLess(state["x1"] - state["x0"], 377 * 0.7)
        moved = self.map_point(300, 120)
        self.assertAlmostEqual(moved[0], x, delta=2)
        self.assertAlmostEqual(moved[1], y, delta=2)
        self.browser.pointer(("move", x, y), "down", ("move", x - 60, y - 30), "up")
        after = self.map_point(300, 120)
        self.assertAlmostEqual(after[0], x - 60, delta=2)
        self.assertAlmostEqual(after[1], y - 30, delta=2)
        self.browser.run("document.getElementById('fit').scrollIntoView()")
        fit = self.browser.run("const r = document.getElementById('fit').getBoundingClientRect(); return [r.x + 5, r.y + 5]")
        self.browser.click(*fit)
        state = self.state()
        self.assertEqual((state["x0"], state["x1"], state["y0"], state["y1"]), (0, 377, 0, 377))

    def test_a_click_on_a_strip_shows_what_the_run_evicts(self):
        for run in (2, 6):
            self.browser.click(*self.strip_point(run))
            state = self.state()
            self.assertEqual(state["run"], run)
            kept = self.browser.run("return [...textBox.children].filter((word) => !word.classList.contains('gone')).map((word) => Number(word.dataset.i))")
            self.assertEqual(kept, exported_kept(run, state["layer"], state["head"] // 2))
            self.assertTrue(self.browser.run("return document.querySelector('#answers tr.chosen').textContent").startswith(
                self.browser.run("return data.runs[state.run].title")))
            self.assertIn("run=", self.browser.run("return location.hash"))

    def test_the_strip_says_who_keeps_the_token(self):
        position = exported_kept(6, *[self.state()["layer"], self.state()["head"] // 2])[30]
        point = self.map_point(376, position)
        self.browser.pointer(("move", point[0], self.strip_point(6)[1]))
        self.assertIn("SnapKV 96", self.text("readout"))

    def test_layer_and_head_by_keys_and_by_the_grid(self):
        self.browser.click(*self.map_point(376, 10))
        before = self.state()
        self.browser.key(DOWN)
        self.assertEqual(self.state()["layer"], min(before["layer"] + 1, 5))
        picture = self.browser.run("return [...picture.map.cells.subarray(0, 400)].join()")
        x, y = self.browser.run("const {left, top, w, h} = headsLayout(), r = headsCanvas.getBoundingClientRect(); return [r.x + left + 4.5 * w, r.y + top + 0.5 * h]")
        self.browser.click(x, y)
        state = self.state()
        self.assertEqual((state["layer"], state["head"]), (0, 4))
        self.assertNotEqual(picture, self.browser.run("return [...picture.map.cells.subarray(0, 400)].join()"))
        self.browser.click(*self.map_point(376, 10))
        self.browser.key(PLUS)
        self.assertLess(self.state()["x1"] - self.state()["x0"], 377)

    def test_an_answers_token_shades_what_it_attended_to(self):
        self.browser.click(*self.strip_point(6))
        path = os.path.join(FOLDER.name, "attended.json")
        state = self.state()
        subprocess.run([os.environ["KVATLAS_PROGRAMME"], "export", EXAMPLE, "attended", "--run", "6", "--layer", str(state["layer"]), "--head",
                        str(state["head"]), "-o", path], check=True, capture_output=True)
        with open(path) as file:
            wanted = [row for row in json.load(file) if row["step"] == 2]
        x, y = self.browser.run("const w = answerBox.querySelector('[data-step=\"2\"]'); w.scrollIntoView(); const r = w.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]")
        self.browser.click(x, y)
        shaded = self.browser.run("return [...textBox.querySelectorAll('.word-shaded')].map((word) => Number(word.dataset.i))")
        self.assertEqual(sorted(shaded), sorted(row["position"] for row in wanted if row["position"] < 377))
        self.assertIn(f" {wanted[0]['position']} ", self.text("readout"))
        self.browser.click(x, y)
        self.browser.pointer(("move", 5, 5))
        self.assertEqual(self.browser.run("return textBox.querySelectorAll('.word-shaded').length"), 0)

    def test_the_address_opens_the_same_view(self):
        with Browser(900, 700) as other:
            other.open(self.page + "#layer=2&head=5&run=h2o%2096")
            other.settle()
            self.assertEqual(other.run("return [state.layer, state.head, data.runs[state.run].label]"), [2, 5, "h2o 96"])

    def test_pictures_of_both_themes_have_a_map(self):
        os.makedirs(PICTURES, exist_ok=True)
        for dark, width, height in ((False, 1440, 900), (True, 1440, 900), (False, 420, 900)):
            with Browser(width, height, dark) as other:
                other.open(self.page + "#run=snapkv%2096")
                other.settle()
                other.screenshot(os.path.join(PICTURES, f"{width}-{'dark' if dark else 'light'}.png"))
                self.assertEqual(other.run("return document.documentElement.classList.contains('dark')"), dark)
                self.assertFalse(other.run("return document.documentElement.scrollWidth > innerWidth"), "no sideways scrolling")
                colours = other.run("const g = canvas.getContext('2d'), d = g.getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();"
                                    "for (let i = 0; i < d.length; i += 40) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size")
                self.assertGreater(colours, 60)


if __name__ == "__main__":
    if not driver_path():
        print("SKIPPED: no chromedriver (Debian: apt-get install chromium chromium-driver)")
        sys.exit(77)
    FOLDER = tempfile.TemporaryDirectory()
    unittest.main()
