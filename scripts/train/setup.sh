#!/bin/sh
# setup.sh [VENV] [cuda]: an environment for the training scripts, by default scripts/train/.venv.
# Without `cuda`, PyTorch comes without its 3 GB of NVIDIA packages; empty libraries stand in for them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-"$here/.venv"}
torch=2.15.0

python3 -m venv "$venv"
"$venv/bin/pip" install -q -r "$here/requirements.txt"
if [ "${2:-}" = cuda ]; then
    "$venv/bin/pip" install -q "torch==$torch"
else
    "$venv/bin/pip" install -q --no-deps "torch==$torch"
    "$venv/bin/pip" install -q filelock fsspec jinja2 networkx setuptools sympy typing_extensions
    "$venv/bin/python" "$here/cpu_stubs.py" "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')"
fi
"$venv/bin/python" -W ignore -c 'import torch; print("torch", torch.__version__, "cuda" if torch.cuda.is_available() else "cpu")'
