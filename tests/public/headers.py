#!/usr/bin/env python3
"""The public headers stand alone, in C11 and in C++11, and the shared object has just what they declare.

usage: headers.py INCLUDE_DIR LIBOCTAVO.SO CC CXX
"""
import os
import re
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def compiles(command, include, header, suffix):
    """True when a file of two lines, that names the header twice, compiles without a warning."""
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        source.write(f"#include <octavo/{header}>\n" * 2)
        source.flush()
        done = subprocess.run(command + WARNINGS + ["-I", include, source.name], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        print(f"{header}: {' '.join(command)}\n{done.stdout}")
    return done.returncode == 0


def declared(cc, include):
    """Names of the functions that octavo.h declares, with all it includes."""
    text = subprocess.run([cc, "-std=c11", "-E", "-P", "-I", include, os.path.join(include, "octavo/octavo.h")],
                          text=True, stdout=subprocess.PIPE, check=True).stdout
    return set(re.findall(r"[\s*](oct_\w+)\(", text))


def exported(library):
    """Names of the functions and objects that a program can link to."""
    text = subprocess.run(["nm", "-D", "--defined-only", library],
                          text=True, stdout=subprocess.PIPE, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if " oct_" in line}


def main():
    include, library, cc, cxx = sys.argv[1:]
    headers = sorted(os.listdir(os.path.join(include, "octavo")))
    results = [compiles([cc, "-std=c11"], include, header, ".c") for header in headers]
    results += [compiles([cxx, "-std=c++11"], include, header, ".cpp") for header in headers]
    umbrella = open(os.path.join(include, "octavo/octavo.h"), encoding="utf-8").read()
    for header in headers:
        results.append(header == "octavo.h" or f"<octavo/{header}>" in umbrella)
        if not results[-1]:
            print(f"{header}: octavo.h does not include it")
    functions, symbols = declared(cc, include), exported(library)
    for name in sorted(functions ^ symbols):
        print(f"{name}: {'declared, but hidden' if name in functions else 'visible, but not declared'}")
    results.append(len(functions) > 0 and functions == symbols)
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
