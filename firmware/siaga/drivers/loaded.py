"""Code that is wanted for a moment: loaded by an import in a function, given back by its name."""

import gc
import sys


def give_back(*names: str) -> None:
    """Let go of files such as siaga.app.settings; of what they made, what is in use stays."""
    for name in names:
        if sys.modules.pop(name, None) is not None:
            package, leaf = name.rsplit(".", 1)
            delattr(sys.modules[package], leaf)
    gc.collect()


def made_for_good(*objects: object) -> None:
    """Let go of what made them: no further one of their classes is made before a restart."""
    for one in objects:
        type(one).__init__ = None  # type: ignore[assignment, misc]  # a `del` would leave it in the class's memory
