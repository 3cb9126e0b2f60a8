// Ticks of a token axis: whole numbers with grouped digits, in the middle of their tokens; knows numbers only.
#pragma once

#include <qcustomplot.h>

namespace kvatlas::views {

class TokenTicker : public QCPAxisTicker {
 public:
  // On a range a few pixels a token wide, at most one tick a token; at most one per `spacing` pixels.
  void setRoom(int pixels) {
    m_pixels = pixels;
    setTickCount(qMax(2, pixels / 80));
  }
  void setTokens(std::uint64_t tokens) { m_tokens = tokens; }  // there is no tick behind the last
  // Along a horizontal axis: a number that would reach over its right end is left out.
  void setClearEnd(int pixels_per_digit) { m_digit = pixels_per_digit; }

 protected:
  double getTickStep(const QCPRange& range) override;
  int getSubTickCount(double step) override { return step <= 1 ? 0 : QCPAxisTicker::getSubTickCount(step); }
  // Token t covers [t, t + 1): its tick stands at t + ½.
  QVector<double> createTickVector(double step, const QCPRange& range) override;
  QString getTickLabel(double tick, const QLocale&, QChar, int) override;

 private:
  int m_pixels = 0, m_digit = 0;
  std::uint64_t m_tokens = UINT64_MAX;
  QCPRange m_range;
};

}  // namespace kvatlas::views
