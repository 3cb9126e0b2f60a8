#include "views/models/document/other_trace.h"

#include <algorithm>

namespace kvatlas::views {

OtherTrace::OtherTrace(Document& first, QObject* parent)
    : QObject(parent), m_first(first), m_document(first.thread()), m_tiles(m_document) {
  connect(&m_document, &Document::opened, this, &OtherTrace::check);
  connect(&m_document, &Document::closed, this, &OtherTrace::changed);
  connect(&m_document, &Document::failed, this, &OtherTrace::failed);
  connect(&m_document, &Document::vanished, this, &OtherTrace::failed);
  connect(&first, &Document::opened, this, &OtherTrace::close);
  connect(&first, &Document::closed, this, &OtherTrace::close);
}

void OtherTrace::open(const std::filesystem::path& path) {
  if (m_first.isOpen()) m_document.open(path);
}

void OtherTrace::close() {
  if (m_document.isOpen()) m_document.close();
}

QString OtherTrace::name() const {
  return QString::fromStdString(m_document.path().filename().string()).section(QStringLiteral(".kva.h5"), 0, 0);
}

void OtherTrace::check() {
  const QString problem = m_first.isOpen() ? difference() : QString();
  if (problem.isEmpty()) return emit changed();
  const QString path = QString::fromStdString(m_document.path().string());
  m_document.close();
  emit failed(tr("%1 cannot be compared with the open trace: %2").arg(path, problem));
}

QString OtherTrace::difference() const {
  const std::vector<TokenId>&ours = m_first.prompt().ids, &theirs = m_document.prompt().ids;
  if (ours.size() != theirs.size())
    return tr("it has %1 tokens, the open trace %2").arg(theirs.size()).arg(ours.size());
  const auto [mine, other] = std::mismatch(ours.begin(), ours.end(), theirs.begin());
  if (mine != ours.end()) return tr("the first different token is at position %1").arg(mine - ours.begin());
  const trace::ModelInfo &a = m_first.model(), &b = m_document.model();
  if (a.layers != b.layers || a.query_heads != b.query_heads || a.kv_heads != b.kv_heads)
    return tr("its model has %1 layers of %2 query heads, the open trace's %3 of %4")
        .arg(b.layers)
        .arg(b.query_heads)
        .arg(a.layers)
        .arg(a.query_heads);
  return {};
}

}  // namespace kvatlas::views
