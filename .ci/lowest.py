"""The lowest versions that pyproject.toml declares, those of the extras and of the build included.

python .ci/lowest.py             them, one a line, as pip takes them
python .ci/lowest.py --python    the command of the lowest Python
python .ci/lowest.py --check     fails unless it runs under this Python and these are installed
"""

import sys
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

DECLARED = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
PROJECT = DECLARED["project"]


def python() -> str:
    """The command of the lowest Python."""
    return "python" + PROJECT["requires-python"].removeprefix(">=")


def floors() -> dict[str, str]:
    """Lowest version by name; what an extra takes over from others, such as ``sklid[plots]``, is there by itself."""
    extras = chain.from_iterable(PROJECT["optional-dependencies"].values())
    requirements = chain(DECLARED["build-system"]["requires"], PROJECT["dependencies"], extras)
    return dict(requirement.split(">=") for requirement in requirements if not requirement.startswith("sklid["))


def installed() -> dict[str, str]:
    """Installed version by name, without the part that tells builds of torch apart."""
    return {name: version(name).partition("+")[0] for name in floors()}


def main() -> None:
    """Prints, or checks."""
    if "--python" in sys.argv:
        print(python())
    elif "--check" not in sys.argv:
        print(*(f"{name}=={floor}" for name, floor in floors().items()), sep="\n")
    elif python() != "python{}.{}".format(*sys.version_info) or installed() != floors():
        raise SystemExit(
            f"{python()} and {floors()} are declared, Python {sys.version} and {installed()} are installed."
        )


if __name__ == "__main__":
    main()
