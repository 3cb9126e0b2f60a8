// A number of whole runs over their budget, one line per method: retained mass, KL or right answers. Also draws the
// runs of further listed traces, dashed.
#pragma once

#include <vector>

#include "views/models/document/trace_shelf.h"
#include "views/pages/charts/run_chart.h"

class QComboBox;

namespace kvatlas::views {

class SweepChart : public RunChart {
  Q_OBJECT
 public:
  enum Metric { RetainedMass, Kl, RightAnswer };

  SweepChart(Document& document, Selection& selection, QWidget* parent = nullptr);

  void setShelf(TraceShelf& shelf);  // must outlive the chart
  void setAnswer(const QString& answer);

 signals:
  void otherRunChosen(const QString& trace, int run);

 protected:
  void fillLines() override;
  void follow() override {}  // shows whole runs, whatever layer or step is selected
  void choose(const ChartPoint& point) override;
  [[nodiscard]] QString describe(const ChartPoint& point) const override;

 private:
  struct Place {
    Document* document;  // the open trace; null: a listed one, found again by its path
    std::filesystem::path path;
    RunId run;
    double budget, value;
  };
  void addLines(Document& trace, const std::vector<RunId>& runs, Qt::PenStyle style, std::vector<ChartLine>& lines);
  void showScale(Metric metric, const std::vector<ChartLine>& lines);
  [[nodiscard]] double valueOf(const RunView& run, std::size_t shared_steps) const;
  [[nodiscard]] const Place* placeOf(const ChartPoint& point) const;

  QComboBox* m_metric;
  TraceShelf* m_shelf = nullptr;
  QString m_answer;
  std::vector<std::vector<Place>> m_places;  // per line, by rising budget
};

}  // namespace kvatlas::views
