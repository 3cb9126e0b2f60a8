#include "views/plots/token_ticker.h"

#include <algorithm>
#include <cmath>

#include "views/models/number_text.h"

namespace kvatlas::views {

double TokenTicker::getTickStep(const QCPRange& range) {
  return m_text ? 1.0 : std::max(1.0, QCPAxisTicker::getTickStep(range));
}

QVector<double> TokenTicker::createTickVector(double step, const QCPRange& range) {
  QVector<double> ticks = QCPAxisTicker::createTickVector(step, {range.lower - 0.5, range.upper - 0.5});
  for (double& tick : ticks) tick += 0.5;
  const auto last = static_cast<double>(m_tokens);
  ticks.erase(std::remove_if(ticks.begin(), ticks.end(), [&](double tick) { return tick > last; }), ticks.end());
  m_range = range;
  return ticks;
}

QString TokenTicker::getTickLabel(double tick, const QLocale&, QChar, int) {
  const auto token = std::llround(tick - 0.5);
  if (token < 0) return {};
  if (m_text) return m_text(static_cast<std::uint64_t>(token));
  const QString text = QString::fromStdString(grouped(static_cast<std::uint64_t>(token)));
  const double room = (m_range.upper - tick) / m_range.size() * m_pixels;
  return m_digit > 0 && room < 0.5 * m_digit * static_cast<double>(text.size()) ? QString() : text;
}

}  // namespace kvatlas::views
