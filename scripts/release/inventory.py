#!/usr/bin/env python3
"""What the program is made of: the licences of all crates in it, and a bill of materials (CycloneDX 1.5).

    scripts/release/inventory.py THIRD-PARTY.txt portcullis.cdx.json [FEATURE-FLAG…]

Only crates that are compiled into the program for this platform are listed, not those that build or test it. Their sources are read
where cargo keeps them; nothing is downloaded. The same Cargo.lock gives the same files.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-linux-gnu"
# Texts that a crate has beside its licence's own.
NAMES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$", re.IGNORECASE)


def cargo(*words):
    return subprocess.run(["cargo", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def metadata():
    return json.loads(cargo("metadata", "--format-version=1", "--locked", f"--filter-platform={TARGET}"))


def compiled(flags):
    """Names and versions of what these features take; the metadata are of all that the workspace takes."""
    tree = ["tree", "--locked", "--package=portcullis", "--edges=normal,no-proc-macro", f"--target={TARGET}"]
    lines = cargo(*tree, "--prefix=none", "--format={p}", *flags).splitlines()
    return {tuple(line.split()[:2]) for line in lines if line}


def linked(found, taken):
    """The packages whose code is in the program: its normal dependencies, and theirs; macros run at build time only."""
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    (root,) = [id for id, package in packages.items() if package["name"] == "portcullis"]
    edges, waiting = {}, [root]
    while waiting:
        id = waiting.pop()
        if id in edges:
            continue
        normal = [
            dependency["pkg"]
            for dependency in nodes[id]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
        is_taken = lambda id: (packages[id]["name"], "v" + packages[id]["version"]) in taken
        edges[id] = sorted(id for id in normal if is_taken(id))
        waiting.extend(edges[id])
    return packages, root, edges


def texts(package):
    """The licence texts in a crate's folder; where it has none, those of its licence are named by its SPDX expression alone."""
    folder = Path(package["manifest_path"]).parent
    if package["source"] is None:
        return [(path.name, path.read_text()) for path in sorted(ROOT.glob("LICENSE-*"))]
    files = [path for path in folder.rglob("*") if path.is_file() and NAMES.match(path.name)]
    if package.get("license_file"):
        files.append(folder / package["license_file"])
    files = sorted({path.resolve() for path in files})
    return [(str(path.relative_to(folder.resolve())), path.read_text(errors="replace").strip()) for path in files]


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def notices(packages, root, edges):
    lines = [
        "Third-party code in portcullis",
        "",
        "Every crate that is compiled into the program, with its licence, then the texts that lie in their sources.",
        "",
    ]
    others = sorted(
        (packages[id] for id in edges if packages[id]["source"]), key=lambda p: (p["name"], p["version"])
    )
    by_text, without = {}, []
    for package in others:
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license'] or 'see its text'}  {package['repository'] or ''}".rstrip())
        found = texts(package)
        for file, text in found:
            by_text.setdefault(" ".join(text.split()), (text, []))[1].append(f"{name} ({file})")
        if not found:
            without.append(name)
    if without:
        lines += ["", "Of these no text is in the crate; the licence is the one named above: " + ", ".join(without)]
    for text, names in sorted(by_text.values(), key=lambda entry: entry[1]):
        lines += ["", "-" * 78, *names, "", text]
    return "\n".join(lines) + "\n", len(others), without


def bill(packages, root, edges):
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}

    def component(package, kind):
        entry = {
            "type": kind,
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(package),
        }
        if package["license"]:
            # Some crates write `MIT/Apache-2.0`, which is no SPDX expression.
            entry["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
        if checksum := checksums.get((package["name"], package["version"])):
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package["repository"]:
            entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return entry

    models = tomllib.loads((ROOT / "models/index.toml").read_text())
    weights = [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{bundle['id']}",
            "name": bundle["id"],
            "licenses": [{"expression": bundle["licence"]}],
            "hashes": [{"alg": "BLAKE3", "content": file["blake3"]}],
        }
        for bundle in models["bundle"]
        if bundle["id"] == models["default"]
        for file in bundle["file"]
        if file["path"] == "weights.safetensors"
    ]
    crates = sorted((id for id in edges if id != root), key=lambda id: purl(packages[id]))
    dependencies = [
        {"ref": purl(packages[id]), "dependsOn": sorted({purl(packages[to]) for to in edges[id]})}
        for id in [root, *crates]
    ]
    dependencies[0]["dependsOn"] += [model["bom-ref"] for model in weights]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(packages[root], "application")},
        "components": [component(packages[id], "library") for id in crates] + weights,
        "dependencies": dependencies,
    }


def main():
    licences, sbom, *flags = sys.argv[1:]
    packages, root, edges = linked(metadata(), compiled(flags))
    text, count, without = notices(packages, root, edges)
    Path(licences).write_text(text)
    Path(sbom).write_text(json.dumps(bill(packages, root, edges), indent=1) + "\n")
    print(f"{count} crates, {len(without)} of them without a licence text of their own")


if __name__ == "__main__":
    main()
