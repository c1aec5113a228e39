"""Empty stand-ins for the NVIDIA libraries that PyPI's torch links, so that it imports without them.

    python cpu_stubs.py SITE_PACKAGES

Every undefined symbol that torch expects of such a library becomes a function returning an error code; none is
called on a machine without a GPU. Needs gcc and binutils.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

_FOREIGN = re.compile(r"lib(cu|nv|nccl)")
_PLAIN = re.compile(r"(cu|nv|nccl|__cuda)")
#: `cudaErrorNoDevice`.
_ANSWER = 100


def output(*command: str) -> str:
    """Standard output of a command."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def wanted(folder: Path) -> tuple[dict[str, set[str]], dict[str, set[str]], set[str]]:
    """Versions each missing library must define, symbols by version, and symbols without one."""
    own = {path.name for path in folder.glob("*.so*")}
    versions: dict[str, set[str]] = {}
    symbols: dict[str, set[str]] = defaultdict(set)
    plain: set[str] = set()
    for path in sorted(folder.glob("*.so*")):
        for name in re.findall(r"NEEDED.*\[(.*?)\]", output("readelf", "-dW", str(path))):
            if name not in own and _FOREIGN.match(name):
                versions.setdefault(name, set())
        current = None
        for line in output("readelf", "-VW", str(path)).splitlines():
            if found := re.search(r"File: (\S+)", line):
                current = found[1]
            elif (found := re.search(r"Name: (\S+)\s+Flags", line)) and current in versions:
                versions[current].add(found[1])
        for line in output("nm", "-D", "--undefined-only", str(path)).splitlines():
            name, *version = re.split(r"@+", line.split()[-1])
            if version:
                symbols[version[0]].add(name)
            elif _PLAIN.match(name):
                plain.add(name)
    return versions, symbols, plain


def main() -> None:
    """Compiles one stand-in a library."""
    site = Path(sys.argv[1])
    versions, symbols, plain = wanted(site / "torch" / "lib")
    target = site / "nvidia" / "cu13" / "lib"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        source, script = Path(work, "stub.c"), Path(work, "stub.map")
        for number, (library, tags) in enumerate(sorted(versions.items())):
            names = {name for tag in tags for name in symbols[tag]} | (plain if number == 0 else set())
            source.write_text("".join(f"int {name}(void) {{ return {_ANSWER}; }}\n" for name in sorted(names)))
            script.write_text("".join(f"{tag} {{ global: {' '.join(f'{n};' for n in sorted(symbols[tag]))} }};\n"
                                      for tag in sorted(tags)))
            versioned = [f"-Wl,--version-script={script}"] if tags else []
            subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{library}", *versioned,
                            str(source), "-o", str(target / library)], check=True)
    print(f"{len(versions)} stand-ins in {target}")


if __name__ == "__main__":
    main()
