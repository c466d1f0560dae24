"""Print the decisions that a module tells of as a file, with one size of each changed: MODULE NAME NUMBER."""

import json
import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text()
found = re.search(r'slipstick\.decisions = "((?:[^"\\]|\\.)*)"', text)
assert found is not None
nests = json.loads(found[1].replace("\\22", '"'))
for nest in nests:
    nest["decision"][sys.argv[2]] = int(sys.argv[3])
print(json.dumps({"format": "slipstick decisions", "version": 1, "nests": nests}))
