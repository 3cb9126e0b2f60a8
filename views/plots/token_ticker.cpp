#include "views/plots/token_ticker.h"

#include <cmath>

#include "views/models/ticks.h"

namespace kvatlas::views {

double TokenTicker::getTickStep(const QCPRange& range) {
  return std::max(1.0, QCPAxisTicker::getTickStep(range));
}

QString TokenTicker::getTickLabel(double tick, const QLocale&, QChar, int) {
  const auto token = std::llround(tick);
  return token < 0 ? QString() : QString::fromStdString(grouped(static_cast<std::uint64_t>(token)));
}

}  // namespace kvatlas::views
