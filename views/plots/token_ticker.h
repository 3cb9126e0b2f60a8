// Ticks of a token axis: whole numbers with grouped digits, in the middle of their tokens; knows numbers only.
#pragma once

#include <qcustomplot.h>

namespace kvatlas::views {

class TokenTicker : public QCPAxisTicker {
 public:
  // On a range a few pixels a token wide, at most one tick a token; at most one per `spacing` pixels.
  void setRoom(int pixels) { setTickCount(qMax(2, pixels / 80)); }

 protected:
  double getTickStep(const QCPRange& range) override;
  int getSubTickCount(double step) override { return step <= 1 ? 0 : QCPAxisTicker::getSubTickCount(step); }
  // Token t covers [t, t + 1): its tick stands at t + ½.
  QVector<double> createTickVector(double step, const QCPRange& range) override;
  QString getTickLabel(double tick, const QLocale&, QChar, int) override;
};

}  // namespace kvatlas::views
