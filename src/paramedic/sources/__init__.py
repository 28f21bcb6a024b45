"""Opens a data set for an audit: ``target`` -> ``paramedic.trace.dataset.DataRecord``. Nothing is unpickled."""
