"""One evaluation or calibration in several processes or parts, and one that is killed and goes on.

    python3 tests/cli/shards.py OCTAVO

By mpirun in 1, 2 and 4 processes `eval --json` and `compare` give the same bytes (of results.json
all but times) as alone, and `quantize` the same .tflite, also from statistics of parts; killed with SIGKILL when 30 % and 60 % of the samples are in the journal, and
started again with the same command, too. Last line: N passed, N failed. Exit code 77, with a notice,
where mpirun or the test images are missing.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
MODEL = ROOT / "demo/fashion_mobilenetv2.keras"
SAMPLES = 1500
TIMES = {"created", "convert_seconds", "latency", "operators", "benchmark", "load"}


def launch(count):
    """mpirun also as root and on fewer cores than processes."""
    if count == 0:
        return []
    return ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(count)]


def environment():
    return {**os.environ, "OMPI_MCA_btl": "self,vader", "OMPI_MCA_rmaps_base_inherit": "1",
            "OMPI_MCA_plm": "isolated"}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def evaluation(octavo, models, journal=None):
    command = [octavo, "eval", *models, "--data", f"{IMAGES}/t10k-images-idx3-ubyte.gz:{SAMPLES}",
               "--preprocess", "tf", "--threads", "1", "--json"]
    return command + (["--resume", journal] if journal else [])


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def comparison(octavo, count, folder):
    """results.json without its times, and the bytes of the .tflite files."""
    run(launch(count) + [octavo, "compare", MODEL, "--data", f"{IMAGES}/t10k-images-idx3-ubyte.gz:400",
                         "--calib", f"{IMAGES}/train-images-idx3-ubyte.gz:20", "--modes", "int8,dynamic",
                         "--bench-seconds", "0", "--threads", "1", "--quiet", "-o", folder])
    files = {f.name: f.read_bytes() for f in sorted(pathlib.Path(folder).glob("*.tflite"))}
    return without_times(json.loads((pathlib.Path(folder) / "results.json").read_text())), files


def quantized(octavo, folder, count, mode, effort, samples, *more):
    """The bytes that quantize writes, in `count` processes."""
    path = os.path.join(folder, "q.tflite")
    run(launch(count) + [octavo, "quantize", MODEL, "--mode", mode, "--effort", effort, "--quiet", "--threads",
                         "1", *samples, "-o", path, *more])
    return pathlib.Path(path).read_bytes()


def in_parts(octavo, folder, mode, effort, cuts, *more):
    """The same from statistics of parts of the samples, the last first."""
    files = []
    for begin, end in zip(cuts, cuts[1:]):
        files += ["--stats", os.path.join(folder, f"{begin}.stats")]
        run([octavo, "quantize", MODEL, "--mode", mode, "--effort", effort, "--quiet", "--preprocess", "tf",
             "--calib", f"{IMAGES}/train-images-idx3-ubyte.gz:{begin}-{end}", "--stats-out", files[-1], *more])
    pairs = list(zip(files[::2], files[1::2]))[::-1]
    return quantized(octavo, folder, 0, mode, effort, [word for pair in pairs for word in pair], *more)


def calibration(octavo, folder):
    for mode, effort, more in (("int8", "default", ()), ("int16x8", "none", ("--range", "moving-average")),
                               ("int8", "none", ("--range", "mse")), ("dynamic", "high", ())):
        calib = ["--preprocess", "tf", "--calib", f"{IMAGES}/train-images-idx3-ubyte.gz:25"]
        alone = quantized(octavo, folder, 0, mode, effort, calib, *more)
        for count in (2, 4):
            yield (f"quantize {mode} {effort} in {count} processes",
                   quantized(octavo, folder, count, mode, effort, calib, *more) == alone)
        yield (f"quantize {mode} {effort} from 3 parts",
               in_parts(octavo, folder, mode, effort, (0, 4, 19, 25), *more) == alone)


def kill_at(command, journals, share):
    """Starts command and kills it when the journals hold `share` of the samples; false: too late."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment(), start_new_session=True)
    head, record = 128, None
    while process.poll() is None:
        done = 0
        for journal in journals:
            if os.path.exists(journal) and os.path.getsize(journal) >= head:
                if record is None:
                    with open(journal, "rb") as file:
                        record = int(file.read(head).split()[4])
                done += (os.path.getsize(journal) - head) // record
        if done >= share * SAMPLES:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return done
        time.sleep(0.002)
    return 0


def check(octavo, folder):
    """Yields (what, whether it holds)."""
    models = []
    for mode in ("int8", "dynamic"):
        models.append(os.path.join(folder, f"{mode}.tflite"))
        run([octavo, "quantize", MODEL, "--mode", mode, "-o", models[-1], "--quiet", "--preprocess", "tf",
             "--calib", f"{IMAGES}/train-images-idx3-ubyte.gz:20"])
    yield from calibration(octavo, folder)
    alone = run(evaluation(octavo, models))
    for count in (1, 2, 4):
        yield f"eval in {count} processes", run(launch(count) + evaluation(octavo, models)) == alone
    first = comparison(octavo, 0, os.path.join(folder, "c0"))
    for count in (1, 2, 4):
        yield (f"compare in {count} processes",
               comparison(octavo, count, os.path.join(folder, f"c{count}")) == first)
    for count in (0, 2):
        for share in (0.3, 0.6):
            journal = os.path.join(folder, f"j{count}-{share}")
            parts = [journal] if count == 0 else [f"{journal}.{r + 1}-of-{count}" for r in range(count)]
            command = launch(count) + evaluation(octavo, models, journal)
            done = kill_at(command, parts, share)
            time.sleep(0.2)
            again = run(command)
            yield (f"killed with {done} of {SAMPLES} samples done in {max(count, 1)} "
                   f"process{'es' if count else ''}, resumed",
                   share * SAMPLES <= done < SAMPLES and again == alone and
                   not any(map(os.path.exists, parts)))


def main():
    octavo = str(pathlib.Path(sys.argv[1]).resolve())
    plugin = pathlib.Path(octavo).parent / "octavo_mpi.so"
    for missing, what in ((not shutil.which("mpirun"), "mpirun (Debian package openmpi-bin)"),
                          (not plugin.exists(), f"{plugin}: MPI was not there at build time"),
                          (not os.path.isdir(IMAGES), IMAGES)):
        if missing:
            print(f"shards: {what} is missing; skipped")
            return SKIPPED
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, holds in check(octavo, folder):
            print(f"{'ok  ' if holds else 'FAIL'} {what}")
            passed += holds
            failed += not holds
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
