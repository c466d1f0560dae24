"""Called by mkdocs: adds the pages that slipstick generates. SLIPSTICK_DOCS_NOTEBOOK=0 leaves the notebook unrun."""

import os
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from slipstick.tools.site import generated


def on_files(files: Any, config: Any) -> Any:
    run = os.environ.get("SLIPSTICK_DOCS_NOTEBOOK", "1") != "0"
    for name, text in generated(Path(config.config_file_path).parent, run_notebook=run).items():
        files.append(File.generated(config, name, content=text))
    return files
