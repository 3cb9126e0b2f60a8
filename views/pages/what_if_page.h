// Recomputes an eviction decision from recorded scores while the user changes method,
// budget, window or parameters.
#pragma once

#include <QTimer>
#include <QWidget>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "views/models/document/selection.h"
#include "views/models/document/what_if.h"

class QComboBox;
class QFormLayout;
class QLabel;
class QPushButton;
class QSlider;
class QSpinBox;

namespace kvatlas::views {

class WhatIfPage : public QWidget {
  Q_OBJECT

 public:
  WhatIfPage(Document& document, Selection& selection, QWidget* parent = nullptr);

  [[nodiscard]] WhatIf& model() { return m_what_if; }
  [[nodiscard]] QSlider& slider() { return *m_slider; }
  [[nodiscard]] QString note() const;
  [[nodiscard]] WhatIfRequest request() const;
  void setRequest(const WhatIfRequest& request);  // fills the fields and recomputes
  // The what-if run for a view state; null: none.
  [[nodiscard]] nlohmann::json state() const;
  void restore(const nlohmann::json& state);

 signals:
  // Asks for a real capture with these settings: "snapkv:kernel=5", "128", 8.
  void captureRequested(const QString& method, const QString& budget, int window);

 private:
  void makeForm();
  void restart();     // trace opened or closed
  void showMethod();  // builds the parameter fields
  void recompute();
  void showDecision();
  void fillFields(const WhatIfRequest& request);
  void startFromFocus();
  void remember();
  void undo();
  [[nodiscard]] int budgetAt(int step) const;  // slider step → tokens, on a log scale
  [[nodiscard]] int stepOf(int budget) const;

  struct Field {
    std::string name;
    std::function<std::string()> value;
    std::function<void(const QString&)> set;
  };

  Document& m_document;
  Selection& m_selection;
  WhatIf m_what_if;
  QComboBox* m_method;
  QSlider* m_slider;
  QSpinBox *m_budget, *m_window;
  QFormLayout *m_form, *m_parameter_form;
  QWidget* m_parameters = nullptr;
  QLabel* m_note;
  QPushButton *m_undo, *m_remove, *m_capture;
  std::vector<WhatIfRequest> m_past;       // settings to go back to, the last one first to return
  std::optional<WhatIfRequest> m_settled;  // the settings before the changes of the last moment
  QTimer m_settle;
  std::vector<Field> m_fields;
  bool m_filling = false, m_active = false;
};

}  // namespace kvatlas::views
