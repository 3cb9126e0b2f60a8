#include "views/plots/token_ticker.h"

#include <cmath>

#include "views/models/ticks.h"

namespace kvatlas::views {

double TokenTicker::getTickStep(const QCPRange& range) {
  return std::max(1.0, QCPAxisTicker::getTickStep(range));
}

QVector<double> TokenTicker::createTickVector(double step, const QCPRange& range) {
  QVector<double> ticks = QCPAxisTicker::createTickVector(step, {range.lower - 0.5, range.upper - 0.5});
  for (double& tick : ticks) tick += 0.5;
  return ticks;
}

QString TokenTicker::getTickLabel(double tick, const QLocale&, QChar, int) {
  const auto token = std::llround(tick - 0.5);
  return token < 0 ? QString() : QString::fromStdString(grouped(static_cast<std::uint64_t>(token)));
}

}  // namespace kvatlas::views
