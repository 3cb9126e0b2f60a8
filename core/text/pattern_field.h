// {"String": …} or {"Regex": …} of tokenizer.json as a Regex; knows no component that uses it.
#pragma once

#include "core/base/json_field.h"
#include "core/text/regex.h"

namespace kvatlas::text {

[[nodiscard]] inline Regex readPattern(const JsonField& field) {
  if (const auto literal = field.find("String")) return Regex::literal(literal->asString(), literal->where());
  const JsonField pattern = field.at("Regex");
  return Regex(pattern.asString(), pattern.where());
}

}  // namespace kvatlas::text
