#include "views/models/items/bookmark_model.h"

#include <filesystem>
#include <utility>

#include "core/base/error.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kMostTokens = UINT32_MAX;

std::vector<trace::Span> spansFrom(const nlohmann::json& other) {
  std::vector<trace::Span> spans;
  const auto list = other.find("spans");
  if (list == other.end() || !list->is_array()) return spans;
  for (const nlohmann::json& each : *list) {
    if (!each.is_object()) continue;
    const auto name = each.find("name"), begin = each.find("begin"), end = each.find("end");
    const auto index = [&](auto at) {
      return at != each.end() && at->is_number_unsigned() && at->template get<std::uint64_t>() < kMostTokens;
    };
    if (name == each.end() || !name->is_string() || !index(begin) || !index(end)) continue;
    spans.push_back({begin->get<TokenIndex>(), end->get<TokenIndex>(), name->get<std::string>()});
  }
  return spans;
}

}  // namespace

BookmarkModel::BookmarkModel(Document& document, QObject* parent) : QAbstractListModel(parent), m_document(document) {
  connect(&document, &Document::opened, this, &BookmarkModel::restart);
  connect(&document, &Document::closed, this, &BookmarkModel::restart);
  restart();
}

void BookmarkModel::restart() {
  beginResetModel();
  ++m_epoch;
  m_notes = {};
  m_unreadable = false;
  QString message;
  if (m_document.isOpen()) {
    try {
      ReadNotes read = loadNotes(m_document.path(), m_document.index().notes);
      m_notes = std::move(read.notes);
      m_document.setOwnSpans(spansFrom(m_notes.other));
      if (read.damaged > 0) message = QStringLiteral("Skipped damaged bookmarks: %1.").arg(read.damaged);
    } catch (const Error& error) {
      message = QString::fromStdString(error.what());
      m_unreadable = true;
    }
  }
  m_saved = m_notes;
  endResetModel();
  emit answerChanged();
  if (!message.isEmpty()) emit failed(message);
}

void BookmarkModel::save() {
  if (!m_document.isOpen()) return;
  try {
    write();
  } catch (const Error& error) {
    emit failed(QString::fromStdString(error.what()));
  }
}

// Renames an unreadable file instead of overwriting it.
void BookmarkModel::write() {
  if (std::exchange(m_unreadable, false)) {
    const std::filesystem::path file = notesFile(m_document.path());
    std::error_code ignored;
    std::filesystem::rename(file, file.string() + ".damaged", ignored);
  }
  merge();
  NotesStore store;
  if (m_inside) store = [this](const std::string& json) { return m_document.storeNotes(json); };
  saveNotes(m_document.path(), m_notes, store);
  m_saved = m_notes;
}

// Another window may have saved bookmarks of the same trace since.
void BookmarkModel::merge() {
  Notes theirs;
  try {
    theirs = loadNotes(m_document.path(), m_document.storedNotes()).notes;
  } catch (const Error&) {
    return;  // damaged: saving renames or replaces it
  }
  Notes merged = mergedNotes(m_saved, m_notes, theirs);
  const bool same = notesText(merged) == notesText(m_notes);
  if (!same) beginResetModel();
  m_notes = std::move(merged);
  if (!same) endResetModel();
}

void BookmarkModel::storeSpans(const std::vector<trace::Span>& spans) {
  nlohmann::json list = nlohmann::json::array();
  for (const trace::Span& span : spans) list.push_back({{"name", span.name}, {"begin", span.begin}, {"end", span.end}});
  m_notes.other["spans"] = std::move(list);
  m_document.setOwnSpans(spans);
  save();
}

void BookmarkModel::addSpan(const trace::Span& span) {
  if (!m_document.isOpen() || span.begin >= span.end) return;
  std::vector<trace::Span> spans = m_document.ownSpans();
  std::erase_if(spans, [&](const trace::Span& each) { return each.name == span.name; });
  spans.push_back(span);
  storeSpans(spans);
}

bool BookmarkModel::changeSpan(std::size_t index, const trace::Span& span) {
  if (!m_document.isOpen()) return false;
  std::vector<trace::Span> spans = m_document.ownSpans();
  if (index >= spans.size() || span.name.empty() || span.begin >= span.end || span.end > m_document.tokens())
    return false;
  for (std::size_t i = 0; i < spans.size(); ++i)
    if (i != index && spans[i].name == span.name) return false;
  spans[index] = span;
  storeSpans(spans);
  return true;
}

void BookmarkModel::removeSpan(const std::string& name) {
  std::vector<trace::Span> spans = m_document.ownSpans();
  if (std::erase_if(spans, [&](const trace::Span& each) { return each.name == name; }) > 0) storeSpans(spans);
}

QString BookmarkModel::answer() const {
  const auto found = m_notes.other.find("answer");
  return found != m_notes.other.end() && found->is_string() ? QString::fromStdString(found->get<std::string>())
                                                            : QString();
}

void BookmarkModel::setAnswer(const QString& answer) {
  if (!m_document.isOpen()) return;
  m_notes.other["answer"] = answer.trimmed().toStdString();
  save();
  emit answerChanged();
}

// Keeps full copies of the list before and after: it is small, and this is robust.
void BookmarkModel::record(const QString& text, std::vector<Bookmark> before) {
  save();
  const int epoch = m_epoch;
  emit changed({text, [this, before = std::move(before), epoch] { replace(before, epoch); },
                [this, after = m_notes.bookmarks, epoch] { replace(after, epoch); }});
}

void BookmarkModel::replace(const std::vector<Bookmark>& bookmarks, int epoch) {
  if (epoch != m_epoch) return;
  beginResetModel();
  m_notes.bookmarks = bookmarks;
  endResetModel();
  save();
}

void BookmarkModel::add(Bookmark bookmark) {
  std::vector<Bookmark> before = m_notes.bookmarks;
  const QString text = QStringLiteral("add bookmark '%1'").arg(QString::fromStdString(bookmark.name));
  const int row = rowCount();
  beginInsertRows({}, row, row);
  m_notes.bookmarks.push_back(std::move(bookmark));
  endInsertRows();
  record(text, std::move(before));
}

void BookmarkModel::remove(int row) {
  if (row < 0 || row >= rowCount()) return;
  std::vector<Bookmark> before = m_notes.bookmarks;
  const QString text = QStringLiteral("remove bookmark '%1'").arg(QString::fromStdString(bookmark(row).name));
  beginRemoveRows({}, row, row);
  m_notes.bookmarks.erase(m_notes.bookmarks.begin() + row);
  endRemoveRows();
  record(text, std::move(before));
}

void BookmarkModel::rename(int row, const QString& name) {
  if (row < 0 || row >= rowCount() || name.toStdString() == bookmark(row).name) return;
  std::vector<Bookmark> before = m_notes.bookmarks;
  m_notes.bookmarks[static_cast<std::size_t>(row)].name = name.toStdString();
  emit dataChanged(index(row), index(row));
  record(QStringLiteral("rename bookmark '%1'").arg(name), std::move(before));
}

void BookmarkModel::setNote(int row, const QString& note) {
  if (row < 0 || row >= rowCount() || note.toStdString() == bookmark(row).note) return;
  std::vector<Bookmark> before = m_notes.bookmarks;
  m_notes.bookmarks[static_cast<std::size_t>(row)].note = note.toStdString();
  emit dataChanged(index(row), index(row));
  record(QStringLiteral("edit bookmark note"), std::move(before));
}

void BookmarkModel::move(int row, int to) {
  if (row < 0 || row >= rowCount() || to < 0 || to >= rowCount() || row == to) return;
  std::vector<Bookmark> before = m_notes.bookmarks;
  beginMoveRows({}, row, row, {}, to > row ? to + 1 : to);  // Qt counts the old row too
  Bookmark moved = std::move(m_notes.bookmarks[static_cast<std::size_t>(row)]);
  m_notes.bookmarks.erase(m_notes.bookmarks.begin() + row);
  m_notes.bookmarks.insert(m_notes.bookmarks.begin() + to, std::move(moved));
  endMoveRows();
  record(QStringLiteral("move bookmark"), std::move(before));
}

// Saved automatically, so failures are silent.
void BookmarkModel::setLast(const ViewState& state) {
  m_notes.last = state;
  try {
    if (m_document.isOpen()) write();
  } catch (const Error&) {
  }
}

int BookmarkModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_notes.bookmarks.size());
}

QVariant BookmarkModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index)) return {};
  if (role == Qt::DisplayRole || role == Qt::EditRole) return QString::fromStdString(bookmark(index.row()).name);
  return role == Qt::ToolTipRole ? QVariant(QString::fromStdString(bookmark(index.row()).note)) : QVariant();
}

bool BookmarkModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::EditRole || !index.isValid() || !checkIndex(index)) return false;
  rename(index.row(), value.toString());
  return true;
}

Qt::ItemFlags BookmarkModel::flags(const QModelIndex& index) const {
  return QAbstractListModel::flags(index) | (index.isValid() ? Qt::ItemIsEditable : Qt::NoItemFlags);
}

}  // namespace kvatlas::views
