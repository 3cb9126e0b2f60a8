"""The wheel is built, holds the whole package, and reads a trace on its own."""
import glob
import os
import subprocess
import sys
import tempfile
import zipfile

SOURCE = os.environ["KVATLAS_SOURCE_DIR"]
PACKAGE = os.path.join(SOURCE, "resources/python")


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(PACKAGE, "build_wheel.sh"), folder], check=True)
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        assert os.path.basename(wheel) == "kvatlas-0.1.0-py3-none-any.whl", wheel
        names = set(zipfile.ZipFile(wheel).namelist())
        sources = {"kvatlas/" + name for name in os.listdir(os.path.join(PACKAGE, "src/kvatlas")) if name.endswith((".py", ".typed"))}
        assert sources <= names and "kvatlas/py.typed" in names, sources - names
        read = "import sys, kvatlas; t = kvatlas.open(sys.argv[1]); print(kvatlas.__file__, t.runs['snapkv 96'].decode.text)"
        example = os.path.join(SOURCE, "resources/examples/marlow.kva.h5")
        done = subprocess.run([sys.executable, "-c", read, example], check=True, capture_output=True, text=True, cwd=folder,
                              env={**os.environ, "PYTHONPATH": wheel})
        assert wheel in done.stdout and "48213" in done.stdout, done.stdout


main()
