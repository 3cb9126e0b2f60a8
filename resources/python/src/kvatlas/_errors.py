"""Errors of the reader. Each message names the file and the member."""


class TraceError(Exception):
    """A file that is no trace, is damaged, or was written by a newer version."""


class NotCaptured(TraceError):
    """The trace is fine, but the capture did not record this member (layer, head, signal, run)."""
