#include "views/pages/bookmarks_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPushButton>
#include <QShortcut>
#include <QSplitter>
#include <QTableView>
#include <QUndoStack>
#include <QVBoxLayout>

#include "views/models/items/model_roles.h"
#include "views/pages/table_keys.h"

namespace kvatlas::views {
namespace {

// The model has already applied the change, so the first redo (QUndoStack::push calls it) does nothing.
class ChangeCommand : public QUndoCommand {
 public:
  explicit ChangeCommand(BookmarkChange change) : QUndoCommand(change.text), m_change(std::move(change)) {}
  void undo() override { m_change.undo(); }
  void redo() override {
    if (m_done) m_change.redo();
    m_done = true;
  }

 private:
  BookmarkChange m_change;
  bool m_done = false;
};

// "L4 H2, key 198"
QString nameOf(const ViewState& state) {
  QString name = QStringLiteral("L%1 %2").arg(state.layer.value).arg(QString::fromStdString(textOf(state.head)));
  if (state.cursor) name += BookmarksPage::tr(", key %1").arg(state.cursor->key);
  return name;
}

}  // namespace

BookmarksPage::BookmarksPage(Document& document, std::function<ViewState()> present, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_present(std::move(present)),
      m_model(document),
      m_span_model(document, m_model),
      m_undo(new QUndoStack(this)),
      m_list(new QListView),
      m_spans(new QTableView),
      m_note(new QLineEdit),
      m_add(new QPushButton(tr("A&dd"))),
      m_remove(new QPushButton(tr("&Remove"))),
      m_remove_span(new QPushButton(tr("Remove &span"))) {
  setObjectName(QStringLiteral("bookmarksPage"));
  m_list->setObjectName(QStringLiteral("bookmarksList"));
  m_note->setObjectName(QStringLiteral("bookmarkNote"));
  m_add->setObjectName(QStringLiteral("bookmarkAdd"));
  m_remove->setObjectName(QStringLiteral("bookmarkRemove"));
  m_list->setModel(&m_model);
  m_list->setEditTriggers(QAbstractItemView::EditKeyPressed | QAbstractItemView::DoubleClicked);
  m_list->setAccessibleName(tr("Bookmarks"));
  m_note->setAccessibleName(tr("Note of the bookmark"));
  auto* halves = new QSplitter(Qt::Vertical);
  halves->addWidget(makeBookmarks());
  halves->addWidget(makeSpans());
  halves->setChildrenCollapsible(false);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(6, 4, 6, 4);
  column->addWidget(halves);
  connect(&m_model, &BookmarkModel::changed, this, &BookmarksPage::push);
  connect(&m_model, &BookmarkModel::failed, this, &BookmarksPage::failed);
  for (const auto signal : {&Document::opened, &Document::closed}) {
    connect(&document, signal, m_undo, &QUndoStack::clear);
    connect(&document, signal, this, &BookmarksPage::showCurrent);
  }
  connect(m_add, &QPushButton::clicked, this, &BookmarksPage::addBookmark);
  connect(m_remove, &QPushButton::clicked, this, [this] { m_model.remove(row()); });
  auto* erase = new QShortcut(QKeySequence::Delete, m_list, nullptr, nullptr, Qt::WidgetShortcut);
  connect(erase, &QShortcut::activated, m_remove, &QPushButton::click);
  connect(m_note, &QLineEdit::editingFinished, this, [this] { m_model.setNote(row(), m_note->text()); });
  const auto open = [this](const QModelIndex& index) { emit stateRequested(m_model.bookmark(index.row()).state); };
  connect(m_list, &QListView::clicked, this, open);
  new TableKeys(*m_list, open);
  connect(m_list->selectionModel(), &QItemSelectionModel::currentChanged, this, &BookmarksPage::showCurrent);
  connect(&m_model, &QAbstractItemModel::modelReset, this, &BookmarksPage::showCurrent);
  connect(&m_model, &QAbstractItemModel::rowsRemoved, this, &BookmarksPage::showCurrent);
  showCurrent();
}

QWidget* BookmarksPage::makeBookmarks() {
  auto* half = new QWidget;
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_add);
  buttons->addWidget(m_remove);
  auto* column = new QVBoxLayout(half);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(m_list, 1);
  column->addWidget(m_note);
  column->addLayout(buttons);
  return half;
}

// The user's own can be renamed, moved and removed.
QWidget* BookmarksPage::makeSpans() {
  m_spans->setObjectName(QStringLiteral("spanTable"));
  m_spans->setAccessibleName(tr("Named spans"));
  m_spans->setModel(&m_span_model);
  m_spans->setShowGrid(false);
  m_spans->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_spans->setSelectionMode(QAbstractItemView::SingleSelection);
  m_spans->setEditTriggers(QAbstractItemView::EditKeyPressed | QAbstractItemView::DoubleClicked);
  m_spans->verticalHeader()->hide();
  m_spans->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  m_spans->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
  m_spans->horizontalHeader()->setHighlightSections(false);
  m_spans->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  m_spans->horizontalHeader()->setSectionResizeMode(SpanModel::Name, QHeaderView::Stretch);
  m_remove_span->setObjectName(QStringLiteral("spanRemove"));
  auto* half = new QWidget;
  auto* column = new QVBoxLayout(half);
  column->setContentsMargins(0, 0, 0, 0);
  auto* title = new QLabel(tr("Named spans: select text in the panel Text to add one"));
  title->setWordWrap(true);
  column->addWidget(title);
  column->addWidget(m_spans, 1);
  column->addWidget(m_remove_span);
  const auto follow = [this] { m_remove_span->setEnabled(m_span_model.isOwn(m_spans->currentIndex().row())); };
  connect(m_spans->selectionModel(), &QItemSelectionModel::currentChanged, this, follow);
  connect(&m_span_model, &QAbstractItemModel::modelReset, this, follow);
  const auto open = [this](const QModelIndex& index) {
    emit spanChosen(index.data(BeginRole).toUInt(), index.data(EndRole).toUInt());
  };
  connect(m_spans, &QTableView::clicked, this, open);
  new TableKeys(*m_spans, open);
  connect(m_remove_span, &QPushButton::clicked, this, [this] { m_span_model.remove(m_spans->currentIndex().row()); });
  follow();
  return half;
}

int BookmarksPage::row() const {
  return m_list->currentIndex().isValid() ? m_list->currentIndex().row() : -1;
}

void BookmarksPage::addBookmark() {
  if (!m_document.isOpen()) return;
  Bookmark bookmark;
  bookmark.state = m_present();
  bookmark.name = nameOf(bookmark.state).toStdString();
  m_model.add(std::move(bookmark));
  m_list->setCurrentIndex(m_model.index(m_model.rowCount() - 1));
}

void BookmarksPage::push(const BookmarkChange& change) {
  m_undo->push(new ChangeCommand(change));
}

void BookmarksPage::showCurrent() {
  const bool one = row() >= 0 && row() < m_model.rowCount();
  m_add->setEnabled(m_document.isOpen());
  m_remove->setEnabled(one);
  m_note->setEnabled(one);
  m_note->setPlaceholderText(one ? tr("note") : QString());  // a disabled placeholder looks like text
  m_note->setText(one ? QString::fromStdString(m_model.bookmark(row()).note) : QString());
}

}  // namespace kvatlas::views
