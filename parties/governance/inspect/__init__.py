"""Look at a party's own table and draft its manifest. The program proposes; the owner of the data decides.

What comes out speaks of columns: shares, counts, the range of a number. No cell of a text stands in it,
and of a column that identifies somebody no range either.
"""

from parties.governance.inspect.drafting import draft
from parties.governance.inspect.looking import Inspection, look

__all__ = ["Inspection", "draft", "look"]
