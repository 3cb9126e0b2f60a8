// Menu of a colour scale: colour map, kind of scale, limits, and the first keys that auto range leaves out.
#pragma once

#include <QMenu>

#include "views/models/map/colour_limits.h"

class QSpinBox;

namespace kvatlas::views {

class ColourScaleMenu : public QMenu {
  Q_OBJECT

 public:
  explicit ColourScaleMenu(QWidget* parent);

  void setSettings(const ColourSettings& settings);  // emits no signal

 signals:
  void changed(const kvatlas::views::ColourSettings& settings);
  void fitWanted();    // limits to what is visible
  void resetWanted();  // default limits

 private:
  void addMaps();
  void addScales();
  void addSkip();

  ColourSettings m_settings;
  QSpinBox* m_skip;
};

}  // namespace kvatlas::views
