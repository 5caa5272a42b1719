"""Unity Catalog: who may do what there (`roles.py`), the SQL that makes it so (`statements.py`), bringing it there (`applying.py`) and looking at
what stands there (`examining.py`)."""
