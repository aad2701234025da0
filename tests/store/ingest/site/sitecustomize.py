"""Found first on the path of worker processes: they know the readers of these tests too."""

from pathlib import Path

import explorer.readers

explorer.readers.__path__.append(str(Path(__file__).parent.parent / "readers"))
