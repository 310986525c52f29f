"""Keras files beside the float .tflite that someone's TensorFlow made of them.

    build/venv/bin/python tests/conformance/network_pairs.py OCTAVO MODEL.h5 REFERENCE.tflite …

octavo converts each MODEL; its file and the reference run in LiteRT on the same seeded inputs. Outputs
must agree within 1e-5 of the largest, the file must not be larger, nor have more operators. The last
line is `N passed, N failed`.
"""

import argparse
import os
import sys
import tempfile

import compare_outputs
import network_table
import networks

INPUTS = 20


def compare(octavo, model, reference, folder):
    target = os.path.join(folder, "ours.tflite")
    cost = networks.convert(octavo, model, target)
    ours, theirs = networks.outline(target), networks.outline(reference)
    x = next(iter(compare_outputs.make_inputs(reference, INPUTS).values()))
    far = compare_outputs.relative_deviation(
        networks.run_litert(target, x), networks.run_litert(reference, x))
    good = (far <= network_table.OUTPUT_BOUND and ours["bytes"] <= theirs["bytes"]
            and ours["operators"] <= theirs["operators"])
    print(f"{'ok  ' if good else 'FAIL'} {os.path.basename(model)}: {INPUTS} inputs, at most {far:.2g} of "
          f"the largest output; {ours['bytes']} bytes against {theirs['bytes']}; {ours['operators']} "
          f"operators against {theirs['operators']}; {cost['seconds']:.3f} s", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("octavo")
    parser.add_argument("files", nargs="+", metavar="MODEL REFERENCE")
    options = parser.parse_args()
    if len(options.files) % 2:
        parser.error("every model needs its reference")
    with tempfile.TemporaryDirectory() as folder:
        passed = [compare(os.path.abspath(options.octavo), model, reference, folder)
                  for model, reference in zip(options.files[::2], options.files[1::2])]
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
