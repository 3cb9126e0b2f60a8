#include "views/models/document/notes.h"

#include <set>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/json_depth.h"

namespace kvatlas::views {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxNotes = std::uint64_t{64} << 20;

std::string textMember(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<Bookmark> bookmarkFrom(const json& object) {
  if (!object.is_object()) return std::nullopt;
  try {
    return Bookmark{textMember(object, "name"), textMember(object, "note"),
                    viewStateFrom(object.value("state", json::object()))};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void readBookmarks(const json& list, ReadNotes& read) {
  if (!list.is_array()) {
    ++read.damaged;
    return;
  }
  for (const json& each : list) {
    if (auto bookmark = bookmarkFrom(each)) {
      read.notes.bookmarks.push_back(std::move(*bookmark));
    } else {
      ++read.damaged;
    }
  }
}

void readLast(const json& object, ReadNotes& read) {
  try {
    read.notes.last = viewStateFrom(object);
  } catch (const Error&) {
    ++read.damaged;
  }
}

}  // namespace

Notes mergedNotes(const Notes& base, const Notes& mine, const Notes& theirs) {
  const auto key = [](const Bookmark& bookmark) {
    return json{bookmark.name, bookmark.note, toJson(bookmark.state)}.dump(-1, ' ', false,
                                                                           json::error_handler_t::replace);
  };
  const auto keysOf = [&](const std::vector<Bookmark>& bookmarks) {
    std::set<std::string> keys;
    for (const Bookmark& bookmark : bookmarks) keys.insert(key(bookmark));
    return keys;
  };
  const std::set<std::string> before = keysOf(base.bookmarks), now = keysOf(mine.bookmarks),
                              there = keysOf(theirs.bookmarks);
  Notes merged = mine;
  if (there != before) {
    // Mine in my order without what they removed, then what they added.
    std::erase_if(merged.bookmarks,
                  [&](const Bookmark& each) { return before.contains(key(each)) && !there.contains(key(each)); });
    for (const Bookmark& each : theirs.bookmarks)
      if (!before.contains(key(each)) && !now.contains(key(each))) merged.bookmarks.push_back(each);
  }
  merged.other = theirs.other;
  for (const auto& [name, value] : mine.other.items())
    if (!base.other.contains(name) || base.other.at(name) != value) merged.other[name] = value;
  for (const auto& [name, value] : base.other.items())
    if (!mine.other.contains(name)) merged.other.erase(name);
  if (!mine.last) merged.last = theirs.last;
  return merged;
}

std::string notesText(const Notes& notes) {
  json object = notes.other;
  object["format"] = "kvatlas-notes";
  object["bookmarks"] = json::array();
  for (const Bookmark& bookmark : notes.bookmarks)
    object["bookmarks"].push_back(
        {{"name", bookmark.name}, {"note", bookmark.note}, {"state", toJson(bookmark.state)}});
  if (notes.last) object["last"] = toJson(*notes.last);
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

ReadNotes parseNotes(std::string_view text) {
  ReadNotes read;
  if (text.find_first_not_of(" \n\t") == std::string_view::npos) return read;
  json object = parseOrDiscard(text);
  if (!object.is_object()) fail("bookmarks: expected a JSON object");
  if (const auto list = object.find("bookmarks"); list != object.end()) readBookmarks(*list, read);
  if (const auto last = object.find("last"); last != object.end()) readLast(*last, read);
  for (const char* own : {"format", "bookmarks", "last"}) object.erase(own);
  read.notes.other = std::move(object);
  return read;
}

std::filesystem::path notesFile(const std::filesystem::path& trace) {
  std::filesystem::path file = trace;
  file += ".notes.json";
  return file;
}

ReadNotes loadNotes(const std::filesystem::path& trace, const std::string& stored) {
  const std::filesystem::path file = notesFile(trace);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return parseNotes(stored);
  try {
    return parseNotes(readFile(file, kMaxNotes));
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.find(file.string()) != std::string::npos) throw;
    fail("{}: {}", file.string(), message);
  }
}

void saveNotes(const std::filesystem::path& trace, const Notes& notes, const NotesStore& store) {
  const std::filesystem::path file = notesFile(trace);
  const std::string text = notesText(notes);
  std::string problem;
  try {
    writeFileAtomically(file, text);
  } catch (const Error& error) {
    problem = error.what();
  }
  // If the file beside the trace is not writable, it cannot be deleted either, and would shadow notes in the trace. So
  // leave the trace unchanged.
  std::error_code ignored;
  if (!problem.empty() && std::filesystem::exists(file, ignored)) throw Error(problem);
  const bool stored = store && store(text).empty();
  if (stored && problem.empty()) std::filesystem::remove(file, ignored);
  if (!stored && !problem.empty()) throw Error(problem);
}

}  // namespace kvatlas::views
