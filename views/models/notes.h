// Bookmarks and the state a trace was left in: their JSON, and the file beside the trace they are kept in.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "views/models/view_state.h"

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
// Writes the file beside the trace, all or nothing. Error naming it.
void saveNotes(const std::filesystem::path& trace, const Notes& notes);

}  // namespace kvatlas::views
