"""The GPU kit packed from this build: no device is said and counted, limits hold, the report stands when cut off."""
import glob
import importlib.util
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = os.environ["KVATLAS_SOURCE_DIR"]
KIT = os.path.join(SOURCE, "resources/gpu_kit")

specification = importlib.util.spec_from_file_location("draw_table", os.path.join(KIT, "draw_table.py"))
draw_table = importlib.util.module_from_spec(specification)
specification.loader.exec_module(draw_table)

ROW = ('BENCH {"shape":"Llama 3 8B","machine":"a card","tokens":%d,"probe_seconds_per_layer":0.0123,"probe_tflops":512.4,"library_seconds_per_layer":null,'
       '"pooling_seconds_per_layer":0.5,"prefill_seconds":2.0,"capture_seconds":2.5,"decode_full_seconds":1.0,"decode_branches_seconds":1.5,'
       '"peak_device_bytes":41000000000,"missing":["library: 32768 tokens at most"]}')


class TableTest(unittest.TestCase):
    def test_rows_steps_and_reasons(self):
        report = "\n".join(["FACT device: NVIDIA H200, 580.1", "STEP 1 machine: started, at most 60 s", "STEP 1 machine: ok, 3 s", ROW % 2048, ROW % 8192,
                            "STEP 6 bench: started, at most 240 s"])
        table = draw_table.draw(report)
        self.assertIn("| 8192 | 12.300 | 512 | – | 500.00 | 2.000 | 2.500 | 1.25 | 1.000 | 1.500 | 1.50 | 41.0 |", table)
        self.assertIn("| 1 machine | ok, 3 s |", table)
        self.assertIn("| 6 bench | cut off |", table)
        self.assertIn("8192 tokens, library: 32768 tokens at most", table)

    def test_every_beginning_of_a_report_can_be_drawn(self):
        report = "\n".join(["FACT device: a card", "STEP 6 bench: started, at most 240 s", ROW % 2048, ROW % 8192, "STEP 6 bench: ok, 9 s", "END"])
        for length in range(0, len(report), 7):
            self.assertIn("| step | result |", draw_table.draw(report[:length]))


# A kit of scripts that do as the real programmes would on a machine with a device, each in a fraction of a second.
FAKES = {
    "bin/kvatlas": '''case "$*" in
  --version) echo "kvatlas 0" ;;
  "bench gpu --json"*) for n in 2048 8192 32768 131072; do sleep 0.2; sed "s/%d/$n/; s/^BENCH //" "$(dirname "$0")/row"; done ;;
  "bench gpu --shape tiny"*) echo '{"shape":"tiny"}' ;;
  *) echo "the same text" ;;
esac''',
    "tests/cuda_kernels_test": "echo '[ RUN      ] A.b'; sleep 0.2; echo '[       OK ] A.b (1 ms)'",
    "tests/gpu_test": "echo '[ RUN      ] A.b'; sleep 0.2; echo '[       OK ] A.b (1 ms)'",
    "path/nvidia-smi": "echo 'A card, 1.0, 1 MiB'",
    "path/compute-sanitizer": "sleep 0.1",
    "path/ncu": "sleep 0.1; echo 'Duration 1 us'",
    "path/python": '[ "$1" = -c ] || { echo "2048 tokens, 1 s"; sleep 0.2; echo "4096 tokens, 2 s"; }',
}


class CutOffTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name, script in FAKES.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write("#!/bin/sh\n" + script + "\n")
            os.chmod(path, 0o755)
        for name, text in {"bin/row": ROW + "\n", "VERSION": "kvatlas 0\n", "model/a.gguf": "", "torch/lib/libtorch_cpu.so": "",
                           "torch/version.py": "__version__ = '2.11.0+cu130'\n"}.items():
            os.makedirs(os.path.dirname(os.path.join(self.folder, name)) or self.folder, exist_ok=True)
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
        shutil.copy(os.path.join(KIT, "run.sh"), self.folder)
        os.makedirs(os.path.join(self.folder, "lib"))
        for name in ("libkvatlas_cuda.so", "libkvatlas_capture.so"):  # anything that ldd reads
            shutil.copy(shutil.which("true"), os.path.join(self.folder, "lib", name))

    def start(self, report, *options):
        environment = {**os.environ, "PATH": os.path.join(self.folder, "path") + ":" + os.environ["PATH"],
                       "KVATLAS_LIBTORCH": os.path.join(self.folder, "torch"), "KVATLAS_PYTHON": os.path.join(self.folder, "path/python")}
        return subprocess.Popen([os.path.join(self.folder, "run.sh"), "--report", report, *options], env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def read(self, report):
        try:
            with open(os.path.join(report, "report.txt")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    @staticmethod
    def measured(log):
        try:
            with open(log) as file:
                return file.read().count("BENCH ")
        except FileNotFoundError:
            return 0

    def test_everything_passes_where_there_is_a_device_and_each_moment_leaves_a_report(self):
        report = os.path.join(self.folder, "whole")
        begin = time.time()
        self.assertEqual(self.start(report).wait(timeout=120), 0, self.read(report))
        seconds = time.time() - begin
        whole = self.read(report)
        self.assertIn("END 9 ok, 0 failed, 0 not run", whole)
        table = draw_table.draw(whole)
        for expected in ("| 131072 | 12.300 |", "| 9 eager | ok", "2048 tokens, 1 s"):
            self.assertIn(expected, table)
        moments = random.Random(19)
        for moment in range(12):
            with self.subTest(moment=moment):
                report = os.path.join(self.folder, f"cut-{moment}")
                run = self.start(report)
                time.sleep(moments.uniform(0, seconds))
                os.killpg(run.pid, signal.SIGKILL)  # as a cluster does when the time is over
                run.wait()
                text = self.read(report)
                self.assertTrue(text == "" or text.endswith("\n"), "the last line is whole")
                _, steps, rows, eager = draw_table.read_report(text)
                for number in range(1, max(steps, default=0)):
                    self.assertTrue(steps[number][1].startswith("ok"), steps)
                self.assertEqual(len(rows), text.count("BENCH "))
                if max(steps, default=0) > 6:
                    self.assertEqual(len(rows), 4)
                if max(steps, default=0) == 9 and steps[9][1].startswith("ok"):
                    self.assertEqual(len(eager), 2)
                self.assertIn("| step | result |", draw_table.draw(text))

    def test_measured_lengths_are_in_the_report_at_once(self):
        report = os.path.join(self.folder, "cut")
        run = self.start(report, "--only", "6")
        log = os.path.join(report, "step-6.txt")
        while run.poll() is None and self.measured(log) < 3:
            time.sleep(0.02)
        time.sleep(0.1)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        self.assertIn("| 8192 | 12.300 |", draw_table.draw(self.read(report)))

    def test_only_and_from_choose_steps(self):
        for options, expected in ((("--only", "6"), [6]), (("--from", "8"), [8, 9]), (("--from", "10"), [])):
            report = tempfile.mkdtemp(dir=self.folder)
            self.assertEqual(self.start(report, *options).wait(timeout=60), 0)
            _, steps, _, _ = draw_table.read_report(self.read(report))
            self.assertEqual(sorted(steps), expected, options)


@unittest.skipIf(glob.glob("/dev/nvidia[0-9]*"), "this machine has a device")
class KitTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        if not shutil.which("patchelf"):
            raise unittest.SkipTest("patchelf is not installed (./dev gpu-kit installs it)")
        subprocess.run([os.path.join(KIT, "pack.sh"), os.environ["KVATLAS_BUILD"], cls.folder.name], check=True, capture_output=True)
        subprocess.run(["tar", "-C", cls.folder.name, "-xzf", os.path.join(cls.folder.name, "kvatlas-gpu-kit.tar.gz")], check=True)
        cls.kit = os.path.join(cls.folder.name, "kvatlas-gpu-kit")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_kit(self, *options, device=False, **variables):
        environment = {**os.environ, **variables}
        if device:  # a machine whose tool shows a card that then does not work
            fake = os.path.join(self.folder.name, "fake")
            os.makedirs(fake, exist_ok=True)
            with open(os.path.join(fake, "nvidia-smi"), "w") as file:
                file.write("#!/bin/sh\necho 'A card, 1.0, 1 MiB'\n")
            os.chmod(os.path.join(fake, "nvidia-smi"), 0o755)
            environment["PATH"] = fake + ":" + environment["PATH"]
        report = tempfile.mkdtemp(dir=self.folder.name)
        done = subprocess.run([os.path.join(self.kit, "run.sh"), "--report", report, *options], env=environment, capture_output=True, text=True, timeout=200)
        with open(os.path.join(report, "report.txt")) as file:
            self.assertEqual(file.read(), done.stdout)
        return done

    def test_it_runs_from_anywhere_and_says_no_device(self):
        done = self.run_kit()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"STEP 1 machine: ok, \d+ s")
        self.assertEqual(done.stdout.count("not run: no device"), 8)
        self.assertIn("END 1 ok, 0 failed, 8 not run", done.stdout)

    def test_without_libtorch_either_the_reason_is_said_once(self):
        done = self.run_kit(KVATLAS_LIBTORCH="/nowhere")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.count("not run: no device"), 8)
        self.assertEqual(done.stdout.count("FACT libtorch: no libtorch: set KVATLAS_LIBTORCH"), 1)

    def test_nothing_points_to_this_machine(self):
        for file in [os.path.join(self.kit, "bin/kvatlas"), *glob.glob(self.kit + "/lib/*.so*"), *glob.glob(self.kit + "/tests/*")]:
            paths = subprocess.run(["readelf", "-d", file], check=True, capture_output=True, text=True).stdout
            for line in paths.splitlines():
                if "RPATH" in line or "RUNPATH" in line:
                    self.assertRegex(line, r"\[\$ORIGIN(/\.\./lib)?\]", file)

    def test_everything_needed_is_in_the_kit_in_glibc_or_in_libtorch(self):
        files = [path for folder in ("bin", "tests", "lib") for path in glob.glob(f"{self.kit}/{folder}/**", recursive=True) if os.path.isfile(path)]
        packed = {os.path.basename(path) for path in files}
        self.assertGreater(len(files), 10)
        for file in files:
            needed = subprocess.run(["readelf", "-d", file], check=True, capture_output=True, text=True).stdout
            for name in re.findall(r"NEEDED.*\[(.*)\]", needed):
                if not re.match(r"(ld-linux|lib(c|m|dl|rt|pthread|resolv|util|torch\w*|c10\w*)\.so)", name):
                    self.assertIn(name, packed, f"needed by {file}")

    def test_another_libtorch_is_refused_in_one_sentence(self):
        wrong = os.path.join(self.folder.name, "torch")
        os.makedirs(os.path.join(wrong, "lib"), exist_ok=True)
        open(os.path.join(wrong, "lib/libtorch_cpu.so"), "w").close()
        with open(os.path.join(wrong, "version.py"), "w") as file:
            file.write("__version__ = '2.10.0+cu130'\n")
        done = self.run_kit("--only", "3", device=True, KVATLAS_LIBTORCH=wrong)
        self.assertIn(f"not run: libtorch 2.11 is needed; {wrong} is 2.10.0+cu130", done.stdout)

    def test_a_failure_names_tests_and_reason(self):
        done = self.run_kit("--only", "2", device=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"STEP 2 kernels: FAILED \(exit status 1\), 0 passed, \d+ failed")
        self.assertRegex(done.stdout, "failed: .*CudaKernels.decodeMatchesReference ")
        self.assertEqual(done.stdout.count("no CUDA device"), 1, "each message once")

    def test_a_step_that_hangs_is_cut_off_and_the_budget_holds(self):
        tests = os.path.join(self.kit, "tests/cuda_kernels_test")
        os.rename(tests, tests + ".real")
        self.addCleanup(os.rename, tests + ".real", tests)
        with open(tests, "w") as file:
            file.write("#!/bin/sh\necho '[ RUN      ] A.b'\necho '[       OK ] A.b (1 ms)'\nsleep 100\n")
        os.chmod(tests, 0o755)
        begin = time.time()
        done = self.run_kit("--from", "2", "--budget", "6", device=True)
        self.assertLess(time.time() - begin, 60)
        self.assertRegex(done.stdout, r"STEP 2 kernels: cut off after \d s, 1 passed, 0 failed")
        self.assertIn("STEP 9 eager: not run: the budget of 6 s is spent", done.stdout)

    def test_wrong_options(self):
        for options in (("--only", "x"), ("--budget",), ("--nothing", "1")):
            done = subprocess.run([os.path.join(self.kit, "run.sh"), *options], capture_output=True, text=True, cwd=self.folder.name)
            self.assertEqual(done.returncode, 2, options)


if __name__ == "__main__":
    unittest.main()
