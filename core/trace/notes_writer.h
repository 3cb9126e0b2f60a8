// Replaces /notes of a finished trace: the only change ever made to one. No JSON, torch or Qt.
#pragma once

#include <filesystem>
#include <string_view>

namespace kvatlas::trace {

// The trace must not be open in this process. Opens it as a capture's writer does, so that a kill at any moment leaves
// all other data intact. The notes themselves are not written atomically: keep a copy until this returns.
// Pads text shorter than the stored text with line ends. Repairs what a killed writer left behind.
// Error naming the file: not writable, unfinished, not a trace, open for writing in another program,
// disk full.
void writeNotes(const std::filesystem::path& path, std::string_view json);

}  // namespace kvatlas::trace
