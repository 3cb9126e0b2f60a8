// Ticks of a token axis: integers with grouped digits, centred on their tokens.
#pragma once

#include <qcustomplot.h>

#include <functional>

namespace kvatlas::views {

class TokenTicker : public QCPAxisTicker {
 public:
  // The length of the axis. At most one tick per 80 pixels and one per token.
  void setRoom(int pixels) {
    m_pixels = pixels;
    setTickCount(qMax(2, pixels / 80));
  }
  void setTokens(std::uint64_t tokens) { m_tokens = tokens; }  // no ticks beyond the last
  // One tick per token, labelled with its text. Null: indices.
  void setText(std::function<QString(std::uint64_t token)> text) { m_text = std::move(text); }
  [[nodiscard]] bool showsText() const { return m_text != nullptr; }
  // For a horizontal axis: drops a label that would extend beyond its right end.
  void setClearEnd(int pixels_per_digit) { m_digit = pixels_per_digit; }

 protected:
  double getTickStep(const QCPRange& range) override;
  int getSubTickCount(double step) override { return step <= 1 ? 0 : QCPAxisTicker::getSubTickCount(step); }
  // Token t covers [t, t + 1): its tick is at t + ½.
  QVector<double> createTickVector(double step, const QCPRange& range) override;
  QString getTickLabel(double tick, const QLocale&, QChar, int) override;

 private:
  int m_pixels = 0, m_digit = 0;
  std::uint64_t m_tokens = UINT64_MAX;
  QCPRange m_range;
  std::function<QString(std::uint64_t)> m_text;
};

}  // namespace kvatlas::views
