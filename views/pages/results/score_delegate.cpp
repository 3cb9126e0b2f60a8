#include "views/pages/results/score_delegate.h"

#include <QPainter>
#include <cmath>

#include "views/models/contrast.h"
#include "views/models/items/model_roles.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr Rgb kShade = rgb(0x0072B2);
constexpr double kDarkest = 0.8;

}  // namespace

void ScoreDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const QVariant value = index.data(ValueRole);
  if (!value.isValid()) return QStyledItemDelegate::paint(painter, option, index);
  const QRect area = option.rect.adjusted(0, 0, -1, -1);
  const double score = value.toDouble();
  if (std::isnan(score)) {
    painter->fillRect(area, QBrush(option.palette.color(QPalette::Mid), Qt::BDiagPattern));
    return;
  }
  const Theme theme = themeOf(option.palette);
  const Rgb shade = mix(themeColours(theme).paper, kShade, kDarkest * score);
  painter->fillRect(area, toColour(shade));
  painter->setPen(toColour(inkOn(shade)));
  painter->drawText(area.adjusted(4, 0, -4, 0), Qt::AlignCenter, index.data().toString());
  if (option.state.testFlag(QStyle::State_HasFocus)) {
    painter->setPen(QPen(toColour(inkOn(shade)), 1, Qt::DotLine));
    painter->drawRect(area.adjusted(2, 2, -3, -3));
  }
  if (!m_framed || !option.state.testFlag(QStyle::State_Selected)) return;
  painter->setPen(QPen(QColor(0xD5, 0x5E, 0x00), 2));
  painter->drawRect(area.adjusted(1, 1, -1, -1));
}

}  // namespace kvatlas::views
