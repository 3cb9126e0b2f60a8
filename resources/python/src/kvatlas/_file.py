"""Opens one HDF5 file and reads its members. Checks shapes before reading and follows hard links only."""

import os
from typing import Any, Dict, Optional, Tuple, Union

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._codec import text_of
from ._errors import NotCaptured, TraceError

PathLike = Union[str, "os.PathLike[str]"]
Shape = Tuple[Optional[int], ...]  # None: any length
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
VERSION = 1


class TraceFile:
    """The members of one trace by path. Errors name the file and the member."""

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        self._file = self._opened()
        try:
            if text_of(self._file.attrs.get("format", b"")) != "kvatlas-trace":
                raise TraceError(f"{self.path}: not a KVAtlas trace")
            version = int(self._file.attrs.get("format_version", 0))
            if version > VERSION:
                raise TraceError(f"{self.path}: format version {version} is newer than {VERSION}, which this reader knows")
        except BaseException:
            self._file.close()
            raise

    def _opened(self) -> h5py.File:
        if not os.path.isfile(self.path):
            raise TraceError(f"{self.path}: no such file")
        try:
            return h5py.File(self.path, "r")
        except OSError as plain:
            # A file whose writer was killed or still runs opens for concurrent reading only. That mode waits for a
            # damaged start of the file to become right, for ever.
            try:
                if "already open" in str(plain):
                    return h5py.File(self.path, "r", libver="latest", swmr=True)
            except (OSError, ValueError):
                pass
            raise TraceError(f"{self.path}: cannot be opened as HDF5: {plain}") from None

    def close(self) -> None:
        self._file.close()

    def attributes(self, name: str = "/") -> Dict[str, Any]:
        """Attributes of a group or dataset; strings as str, numbers as int or float."""
        item = self._file if name == "/" else self._member(name)
        values: Dict[str, Any] = {}
        for key, value in item.attrs.items():
            if isinstance(value, (bytes, str)):
                values[key] = text_of(value)
            else:
                values[key] = value.item() if getattr(value, "shape", None) == () else value
        return values

    def has(self, name: str) -> bool:
        return name in self._file

    def children(self, name: str) -> Tuple[str, ...]:
        return tuple(sorted(self._file[name])) if self.has(name) else ()

    def dataset(self, name: str, shape: Shape, dtype: DTypeLike) -> h5py.Dataset:
        """A dataset that holds data of this shape and type. NotCaptured if there is none."""
        data = self._member(name)
        where = f"{self.path}: {name}"
        if not isinstance(data, h5py.Dataset):
            raise TraceError(f"{where}: is no dataset")
        fits = len(shape) == data.ndim and all(want in (None, got) for want, got in zip(shape, data.shape))
        if not fits or data.dtype != np.dtype(dtype):
            raise TraceError(f"{where}: is {data.dtype} {data.shape}, expected {np.dtype(dtype)} {shape}")
        self._check_storage(data, where)
        return data

    def dtype_of(self, name: str) -> np.dtype[Any]:
        """Type of a dataset of strings, whose length depends on the content."""
        kind: np.dtype[Any] = np.dtype(self._member(name).dtype)
        if kind.kind != "S":
            raise TraceError(f"{self.path}: {name}: is no list of strings")
        return kind

    def read(self, name: str, shape: Shape, dtype: DTypeLike) -> NDArray[Any]:
        data = self.dataset(name, shape, dtype)
        return self.slice(data, ())

    def slice(self, data: h5py.Dataset, where: Any) -> NDArray[Any]:
        try:
            return np.asarray(data[where])
        except OSError as error:
            raise TraceError(f"{self.path}: {data.name}: cannot be read: {error}") from None

    def _member(self, name: str) -> Any:
        here: Any = self._file
        for part in name.split("/"):
            if not isinstance(here, h5py.Group) or part not in here:
                raise NotCaptured(f"{self.path}: {name}: was not captured")
            if not isinstance(here.get(part, getlink=True), h5py.HardLink):
                raise TraceError(f"{self.path}: {name}: is a soft or external link, which a trace cannot have")
            here = here[part]
        return here

    @staticmethod
    def _check_storage(data: h5py.Dataset, where: str) -> None:
        creation = data.id.get_create_plist()
        if data.is_virtual or creation.get_external_count() > 0:
            raise TraceError(f"{where}: is stored in other files, which a trace cannot have")
        for index in range(creation.get_nfilters()):
            if creation.get_filter(index)[0] not in _FILTERS:
                raise TraceError(f"{where}: uses a filter other than deflate, shuffle and fletcher32")
        if data.size == 0:
            return
        try:
            stored = data.id.get_num_chunks() if data.chunks else data.id.get_storage_size()
        except (OSError, RuntimeError, ValueError) as error:
            raise TraceError(f"{where}: its index cannot be read: {error}") from None
        if stored == 0:
            raise NotCaptured(f"{where}: was not captured")
