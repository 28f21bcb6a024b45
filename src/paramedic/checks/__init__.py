"""One file per fault. A check registers by being in its file: see ``registry``."""
