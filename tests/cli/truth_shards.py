"""Segmentation and detection in several processes, and killed and going on.

    python3 tests/cli/truth_shards.py OCTAVO

What shards.py does for classes, with the small models and pictures of tests/eval/files, many links to the
same ones. Last line: N passed, N failed. Exit code 77, with a notice, where mpirun is missing.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import shards

FILES = shards.ROOT / "tests/eval/files"
COPIES = 400


def pixels(folder):
    """COPIES links to each of three pictures and masks."""
    for kind in ("images", "masks"):
        os.makedirs(folder / kind)
        for i in range(COPIES):
            for k in range(3):
                os.symlink(FILES / f"pixels/{kind}/{k}.png", folder / f"{kind}/{i}-{k}.png")


def boxes(folder):
    """COPIES links to each picture, with its annotations."""
    os.makedirs(folder)
    data = json.loads((FILES / "truth/boxes/annotations.json").read_text())
    images, annotations, count = [], [], len(data["images"])
    for i in range(COPIES // 4):
        for image in data["images"]:
            name = f"{i}-{image['file_name']}"
            os.symlink(FILES / "truth/boxes" / image["file_name"], folder / name)
            images.append({**image, "file_name": name, "id": image["id"] + i * count})
        annotations += [{**a, "id": len(annotations) + n, "image_id": a["image_id"] + i * count}
                        for n, a in enumerate(data["annotations"])]
    (folder / "annotations.json").write_text(json.dumps({**data, "images": images, "annotations": annotations}))


def check(octavo, folder):
    """Yields (what, whether it holds)."""
    for task, make in (("segment", pixels), ("detect", boxes)):
        data, model = folder / task, FILES / f"truth/{task}.tflite"
        make(data)
        quantized = folder / f"{task}.tflite"
        pictures = data / "images" if task == "segment" else data
        shards.run([octavo, "quantize", model, "-o", quantized, "--mode", "int8", "--calib", f"{pictures}/:20",
                    "--preprocess", "unit", "--quiet"])
        command = [octavo, "eval", model, quantized, "--data", data, "--preprocess", "unit", "--threads", "1",
                   "--json", "--quiet"]
        alone = shards.run(command)
        for count in (2, 4):
            yield f"{task} in {count} processes", shards.run(shards.launch(count) + command) == alone
        journal = str(folder / f"{task}.journal")
        resumed = command + ["--resume", journal]
        shards.SAMPLES = 3 * COPIES
        done = shards.kill_at(resumed, [journal], 0.05)
        time.sleep(0.1)
        yield (f"{task} killed with {done} of {3 * COPIES} samples done, resumed",
               0 < done < 3 * COPIES and shards.run(resumed) == alone and not os.path.exists(journal))


def main():
    octavo = str(pathlib.Path(sys.argv[1]).resolve())
    plugin = pathlib.Path(octavo).parent / "octavo_mpi.so"
    for missing, what in ((not shutil.which("mpirun"), "mpirun (Debian package openmpi-bin)"),
                          (not plugin.exists(), f"{plugin}: MPI was not there at build time")):
        if missing:
            print(f"truth_shards: {what} is missing; skipped")
            return shards.SKIPPED
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, holds in check(octavo, pathlib.Path(folder)):
            print(f"{'ok  ' if holds else 'FAIL'} {what}")
            passed += holds
            failed += not holds
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
