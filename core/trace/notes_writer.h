// Replaces /notes of a finished trace: the only change that is ever made to one. Knows no JSON, no torch, no Qt.
#pragma once

#include <filesystem>
#include <string_view>

namespace kvatlas::trace {

// The trace may not be open in this process. It is opened as the writer of a capture does, so that a kill at any moment
// leaves all other data whole; the notes themselves are not all or nothing: keep them elsewhere until this returns.
// Text that is shorter than what is stored is filled up with line ends. What a writer that was killed left behind is
// repaired. Error naming the file: it may not be written, is unfinished, is no trace, another programme has it open for
// writing, the disk is full.
void writeNotes(const std::filesystem::path& path, std::string_view json);

}  // namespace kvatlas::trace
