// Further traces that are listed beside the open one: their runs stand in the same list and charts, and any of them can
// become the open one. Qt Core only.
#pragma once

#include <QObject>
#include <filesystem>
#include <memory>
#include <vector>

#include "views/models/document/document.h"

namespace kvatlas::views {

class TraceShelf : public QObject {
  Q_OBJECT
 public:
  // `open` must outlive it.
  explicit TraceShelf(Document& open, QObject* parent = nullptr);

  // Emits changed() or failed(). A trace already listed or open is not added twice.
  void add(const std::filesystem::path& path);
  void remove(const std::filesystem::path& path);
  void clear();
  // Opens a listed trace in place of the open one, which is then listed.
  void swapIn(const std::filesystem::path& path);

  [[nodiscard]] const std::vector<std::unique_ptr<Document>>& traces() const { return m_traces; }  // all open
  [[nodiscard]] Document* find(const std::filesystem::path& path) const;                           // null: not listed

 signals:
  void changed();   // a trace was added, removed or has grown
  void runsRead();  // numbers of a run are known
  void failed(const QString& message);

 private:
  void opened();
  void added(Document* document);
  void discard(std::unique_ptr<Document> document);
  [[nodiscard]] std::unique_ptr<Document> takeOpening(const Document* document);

  Document& m_open;
  std::vector<std::unique_ptr<Document>> m_traces, m_opening, m_discarded;
  std::filesystem::path m_before, m_wanted;  // while swapping: the trace to list, the one to open
};

// "b" of "…/b.kva.h5".
[[nodiscard]] QString traceName(const Document& document);

}  // namespace kvatlas::views
