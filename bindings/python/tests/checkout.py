"""Where the files of the repository are."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models"
