"""Build wheel and sdist into build/dist and try the wheel in an environment without torch.

    python .ci/build.py

The environment, build/smoke, is made anew; what it needs comes from the package index.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST, SMOKE = ROOT / "build" / "dist", ROOT / "build" / "smoke"
#: Files that are no Python, which a wheel loses easily.
DATA = (
    "agents/napari.yaml",
    "agents/py.typed",
    "gym_rlseg/images/coins_truth.json",
    "gym_rlseg/py.typed",
)


def main() -> None:
    """Build and try; raises if anything fails."""
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.rmtree(SMOKE, ignore_errors=True)
    # The wheel is made from the sdist, so that nothing left in build/ gets into it.
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    check_wheel(wheel)
    run(sys.executable, "-m", "venv", str(SMOKE))
    python = SMOKE / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "-c", str(ROOT / "constraints.txt"), str(wheel))
    # -I: neither the repository nor PYTHONPATH may lend what the wheel lacks.
    run(str(python), "-I", str(ROOT / ".ci" / "smoke.py"), str(SMOKE))
    for file in (wheel, sdist):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1000:.0f} kB")


def check_wheel(wheel: Path) -> None:
    """Refuse a wheel without its data, or with what belongs to the repository alone.

    Raises:
        SystemExit: naming what is missing or too much.
    """
    names = zipfile.ZipFile(wheel).namelist()
    missing = sorted(set(DATA) - set(names))
    foreign = sorted(n for n in names if not n.startswith(("agents/", "gym_rlseg")))
    if missing or foreign:
        raise SystemExit(f"{wheel.name}: missing {missing}, foreign {foreign}")


def run(*command: str) -> None:
    """Run a command; what it prints is shown only if it fails.

    Raises:
        SystemExit: with its exit code.
    """
    done = subprocess.run(command, cwd=ROOT / "build", capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"{' '.join(command)} failed: {done.returncode}")


if __name__ == "__main__":
    (ROOT / "build").mkdir(exist_ok=True)
    main()
