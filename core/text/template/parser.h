// A chat template's text as a tree of statements.
#pragma once

#include "core/text/template/limits.h"
#include "core/text/template/syntax.h"

namespace kvatlas::text::jinja {

// Throws SyntaxError, which tells the line.
[[nodiscard]] Block parseTemplate(std::string_view source, const Limits& limits);

}  // namespace kvatlas::text::jinja
