// A second trace of the same tokens, opened for comparison with the first: its document and its tiles. Qt
// Core only.
#pragma once

#include <QObject>

#include "views/models/document/document.h"
#include "views/models/map/tile_cache.h"

namespace kvatlas::views {

class OtherTrace : public QObject {
  Q_OBJECT
 public:
  // `first` must outlive it.
  explicit OtherTrace(Document& first, QObject* parent = nullptr);

  // Emits changed() or failed(). Rejects a trace with other tokens, layers or heads.
  void open(const std::filesystem::path& path);
  void close();

  [[nodiscard]] bool isOpen() const { return m_document.isOpen(); }
  [[nodiscard]] bool busy() const { return m_tiles.inFlight() > 0; }
  [[nodiscard]] TileSource& tiles() { return m_tiles; }
  [[nodiscard]] Document& document() { return m_document; }
  [[nodiscard]] QString name() const;  // "b" of "…/b.kva.h5"

 signals:
  void changed();  // opened or closed
  void failed(const QString& message);

 private:
  void check();
  [[nodiscard]] QString difference() const;  // empty: the traces are comparable

  Document& m_first;
  Document m_document;
  TileCache m_tiles;
};

}  // namespace kvatlas::views
