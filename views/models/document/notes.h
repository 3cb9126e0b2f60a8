// Bookmarks and the state a trace was left in: their JSON, and where they are kept: in the trace or in a file beside
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
  std::optional<ViewState> last;                    // how the trace was left
  nlohmann::json other = nlohmann::json::object();  // members of other programmes, kept as they are
};

[[nodiscard]] std::string notesText(const Notes& notes);
// Bookmarks that are damaged are left out and counted in `damaged`. Error where the text is no JSON object.
struct ReadNotes {
  Notes notes;
  std::size_t damaged = 0;
};
[[nodiscard]] ReadNotes parseNotes(std::string_view text);

// "<trace>.notes.json"
[[nodiscard]] std::filesystem::path notesFile(const std::filesystem::path& trace);
// The file beside the trace where there is one, else what the trace itself holds (`stored`). Error naming the file.
[[nodiscard]] ReadNotes loadNotes(const std::filesystem::path& trace, const std::string& stored);
// Puts a text into the trace itself; one sentence where it cannot be, empty: done.
using NotesStore = std::function<std::string(const std::string& json)>;
// Into the trace by `store`, or, where there is none or it cannot, the file beside the trace, all or nothing. Both are
// there for a moment: whatever stops the programme, one of them is whole. Error naming the file where neither can be.
void saveNotes(const std::filesystem::path& trace, const Notes& notes, const NotesStore& store = {});

}  // namespace kvatlas::views
