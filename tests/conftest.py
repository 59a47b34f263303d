"""For all tests: small matrices, one thread of linear algebra, as in the command line."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded
