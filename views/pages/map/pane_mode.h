// How the map page shows what is in focus and what it is compared with.
#pragma once

namespace kvatlas::views {

// Single shows the focus alone. Ratio needs a second trace: two runs of one trace share their map.
enum class PaneMode { Single, SideBySide, Split, Blink, Difference, Ratio };
inline constexpr int kPaneModes = 6;

}  // namespace kvatlas::views
