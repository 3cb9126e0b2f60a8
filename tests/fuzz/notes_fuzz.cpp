// Bookmarks and view states, from a trace or from a file beside it. What is read and written again reads the same.
#include "tests/fuzz/fuzz.h"
#include "views/models/document/notes.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const std::string_view text = fuzz::textOf(data, size);
  fuzz::onlyErrors([&] {
    const views::ViewState state = views::parseViewState(text);
    const nlohmann::json written = views::toJson(state);
    if (views::toJson(views::viewStateFrom(written)) != written) __builtin_trap();
  });
  fuzz::onlyErrors([&] {
    const views::Notes notes = views::parseNotes(text).notes;
    const std::string written = views::notesText(notes);
    const views::ReadNotes again = views::parseNotes(written);
    if (again.damaged != 0 || views::notesText(again.notes) != written) __builtin_trap();
    static_cast<void>(views::mergedNotes(notes, again.notes, {}));
  });
  return 0;
}
