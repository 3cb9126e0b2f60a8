// The pinned pair of tokens: hovering a map moves the cursor, and when the mouse leaves, the cursor returns to the pair
// that was clicked or selected elsewhere.
#pragma once

#include <QObject>
#include <optional>

#include "views/models/document/selection.h"

namespace kvatlas::views {

class MapView;

class CursorPin : public QObject {
  Q_OBJECT

 public:
  CursorPin(Selection& selection, QObject* parent);  // the selection must outlive it

  void watch(MapView& view);

 private:
  Selection& m_selection;
  std::optional<Cell> m_pinned, m_hovered;
};

}  // namespace kvatlas::views
