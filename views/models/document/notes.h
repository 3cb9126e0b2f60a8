// Bookmarks and the last view state of a trace: their JSON, and their storage in the trace or in a file beside
// it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "views/models/document/view_state.h"

namespace kvatlas::views {

struct Bookmark {
  std::string name, note;
  ViewState state;
};

struct Notes {
  std::vector<Bookmark> bookmarks;
  std::optional<ViewState> last;                    // when the trace was closed
  nlohmann::json other = nlohmann::json::object();  // members of other programmes, preserved
};

// The changes from `base` to `mine` applied to `theirs`, which another window has saved meanwhile: keeps bookmarks that
// either has added, drops those that either has removed. `last` and the other members are mine where I changed them.
[[nodiscard]] Notes mergedNotes(const Notes& base, const Notes& mine, const Notes& theirs);

[[nodiscard]] std::string notesText(const Notes& notes);
// Skips damaged bookmarks and counts them in `damaged`. Error if the text is not a JSON object.
struct ReadNotes {
  Notes notes;
  std::size_t damaged = 0;
};
[[nodiscard]] ReadNotes parseNotes(std::string_view text);

// "<trace>.notes.json"
[[nodiscard]] std::filesystem::path notesFile(const std::filesystem::path& trace);
// Reads the file beside the trace if it exists, else `stored`, the text from the trace. Error naming the file.
[[nodiscard]] ReadNotes loadNotes(const std::filesystem::path& trace, const std::string& stored);
// Stores a text in the trace; returns an empty string on success, else one sentence.
using NotesStore = std::function<std::string(const std::string& json)>;
// Saves atomically: into the trace by `store`, or, if that is null or fails, into the file beside the trace. Writes the
// new copy before it deletes the old one, so a crash loses nothing. Error naming the file if neither works.
void saveNotes(const std::filesystem::path& trace, const Notes& notes, const NotesStore& store = {});

}  // namespace kvatlas::views
