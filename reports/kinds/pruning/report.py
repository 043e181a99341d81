from reports.reading.kind import KindReport


class PruningReport(KindReport):
    """Stub."""
