// JSON with the numbers of Python, and the guard against depth: prompt lines, notes, parameters and settings use them.
#include "core/base/console.h"
#include "core/base/json_depth.h"
#include "core/base/json_field.h"
#include "core/base/python_json.h"
#include "core/trace/validate/validate_header.h"
#include "tests/fuzz/fuzz.h"

KVATLAS_FUZZ_TARGET {
  using namespace kvatlas;
  const std::string_view text = fuzz::textOf(data, size);
  if (printable(text).size() > kMostShown + 16) __builtin_trap();
  static_cast<void>(printableLines(text));
  const nlohmann::json parsed = parseOrDiscard(text);
  if (!parsed.is_discarded()) static_cast<void>(parsed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  fuzz::onlyErrors([&] { static_cast<void>(parseJson(text, "line 1")); });
  static_cast<void>(trace::notesProblem(std::string(text)));
  if (isDeeperThan(text)) return 0;
  try {
    static_cast<void>(parsePythonJson(text));
  } catch (const nlohmann::json::exception&) {
  }
  return 0;
}
