"""pandas is optional: it is imported when a frame is asked for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def frame(data: Any, **options: Any) -> "pd.DataFrame":
    try:
        import pandas
    except ImportError:
        raise ImportError("frames need pandas: pip install pandas, or apt-get install python3-pandas") from None
    return pandas.DataFrame(data, **options)
