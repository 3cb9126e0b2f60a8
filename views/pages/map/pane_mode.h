// How the map page shows A (the focused run) and B (the run or trace compared with it).
#pragma once

namespace kvatlas::views {

// Single shows only A. Ratio needs a second trace: two runs of one trace share their map.
enum class PaneMode { Single, SideBySide, Split, Blink, Difference, Ratio };
inline constexpr int kPaneModes = 6;

}  // namespace kvatlas::views
