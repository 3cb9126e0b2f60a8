#include "core/runs/names.h"

#include <stdexcept>

#include "core/base/error.h"
#include "core/base/suggest.h"

namespace kvatlas::runs {
namespace {

template <class Value, std::size_t kCount>
const char* nameOf(const std::array<Name<Value>, kCount>& table, Value value) {
  for (const Name<Value>& row : table)
    if (row.value == value) return row.name;
  throw std::logic_error("unnamed value of an enumeration");
}

template <class Value, std::size_t kCount>
Value parse(const std::array<Name<Value>, kCount>& table, const char* what, std::string_view name) {
  std::vector<std::string> known;
  for (const Name<Value>& row : table) {
    if (row.name == name) return row.value;
    known.emplace_back(row.name);
  }
  fail("unknown {} '{}'{}", what, name, suggestion(name, known));
}

constexpr std::array kElementBytes{Name<std::size_t>{"f32", 4}, Name<std::size_t>{"bf16", 2},
                                   Name<std::size_t>{"f16", 2}};

}  // namespace

const char* granularityName(policy::Granularity granularity) {
  return nameOf(kGranularities, granularity);
}

const char* presetName(policy::Preset preset) {
  return nameOf(kPresets, preset);
}

const char* followName(Follow follow) {
  return nameOf(kFollows, follow);
}

policy::Granularity parseGranularity(std::string_view name) {
  return parse(kGranularities, "granularity", name);
}

policy::Preset parsePreset(std::string_view name) {
  return parse(kPresets, "preset", name);
}

Follow parseFollow(std::string_view name) {
  return parse(kFollows, "follow", name);
}

Compress parseCompress(std::string_view name) {
  return parse(kCompresses, "kind of compression", name);
}

std::size_t elementBytes(std::string_view dtype) {
  return parse(kElementBytes, "compute type", dtype);
}

}  // namespace kvatlas::runs
