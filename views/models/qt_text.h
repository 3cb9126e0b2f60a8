// Text of the core as Qt has it. Qt Core only.
#pragma once

#include <QString>
#include <string_view>

#include "core/base/csv.h"

namespace kvatlas::views {

[[nodiscard]] inline QString toQString(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

// A cell of a CSV table: always in quotes, quotes inside it doubled.
[[nodiscard]] inline QString csvQuoted(const QString& text) {
  return toQString(kvatlas::csvQuoted(text.toStdString()));
}

}  // namespace kvatlas::views
