#include "app/explorer/window/page_table.h"

#include "app/explorer/window/map_view_state.h"
#include "core/base/error.h"
#include "views/pages/agreement_page.h"
#include "views/pages/bookmarks_page.h"
#include "views/pages/charts/layer_charts.h"
#include "views/pages/charts/position_chart.h"
#include "views/pages/charts/ranking_chart.h"
#include "views/pages/charts/span_chart.h"
#include "views/pages/charts/sweep_chart.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/grid_page.h"
#include "views/pages/inspector_page.h"
#include "views/pages/kept_sets_page.h"
#include "views/pages/map/map_page.h"
#include "views/pages/runs_page.h"
#include "views/pages/token_table.h"
#include "views/pages/tokens_page.h"
#include "views/pages/trace_page.h"
#include "views/pages/what_if_page.h"

namespace kvatlas::app {
namespace {

template <class Page>
MadePage made(Page* page) {
  MadePage result{page, {}};
  if constexpr (requires { page->csv(); }) result.csv = [page] { return page->csv(); };
  return result;
}

// Creates a page from document and selection, or from the document alone.
template <class Page>
MadePage make(const PageContext& context) {
  if constexpr (std::is_constructible_v<Page, views::Document&, views::Selection&>)
    return made(new Page(context.document, context.selection));
  else
    return made(new Page(context.document));
}

MadePage makeGrid(const PageContext& context) {
  views::MapPage& map = context.map;
  auto* grid = new views::GridPage(context.document, context.selection, map.tiles());
  QObject::connect(&map, &views::MapPage::coloursChanged, grid, [grid, &map] { grid->setColours(map.colours()); });
  return made(grid);
}

MadePage makeBookmarks(const PageContext& context) {
  const auto state = [&selection = context.selection, &map = context.map] { return fullStateOf(selection, map); };
  return made(new views::BookmarksPage(context.document, state));
}

#define KVATLAS_TITLE(text) QT_TRANSLATE_NOOP("kvatlas::app::WindowPages", text)  // context of the tr() call

constexpr PageRow kPages[] = {
    {"runs", KVATLAS_TITLE("Runs"), PageStack::Runs, {330, 250}, make<views::RunsPage>},
    {"grid", KVATLAS_TITLE("Layer × head"), PageStack::Grid, {0, 480}, makeGrid},
    {"text", KVATLAS_TITLE("Text"), PageStack::Details, {372, 480}, make<views::TokensPage>},
    {"inspector", KVATLAS_TITLE("Inspector"), PageStack::Details, {}, make<views::InspectorPage>},
    {"what-if", KVATLAS_TITLE("What if"), PageStack::Details, {}, make<views::WhatIfPage>},
    {"trace", KVATLAS_TITLE("Trace"), PageStack::Details, {}, make<views::TracePage>},
    {"bookmarks", KVATLAS_TITLE("Bookmarks"), PageStack::Details, {}, makeBookmarks},
    {"retained", KVATLAS_TITLE("Mass"), PageStack::Charts, {0, 260}, make<views::RetainedChart>},
    {"span", KVATLAS_TITLE("Span"), PageStack::Charts, {}, make<views::SpanChart>},
    {"budget", KVATLAS_TITLE("Budget"), PageStack::Charts, {}, make<views::BudgetChart>},
    {"head-budget", KVATLAS_TITLE("Heads"), PageStack::Charts, {}, make<views::HeadBudgetChart>},
    {"kl", KVATLAS_TITLE("KL"), PageStack::Charts, {}, make<views::KlChart>},
    {"ranking", KVATLAS_TITLE("Ranking"), PageStack::Charts, {}, make<views::RankingChart>},
    {"sweep", KVATLAS_TITLE("Sweep"), PageStack::Charts, {}, make<views::SweepChart>},
    {"decode", KVATLAS_TITLE("Decode"), PageStack::Wide, {0, 230}, make<views::DecodePage>},
    {"tokens", KVATLAS_TITLE("Tokens"), PageStack::Wide, {}, make<views::TokenTable>},
    {"kept", KVATLAS_TITLE("A and B"), PageStack::Wide, {}, make<views::KeptSetsPage>},
    {"positions", KVATLAS_TITLE("Positions"), PageStack::Wide, {}, make<views::PositionChart>},
    {"agreement", KVATLAS_TITLE("Agreement"), PageStack::Wide, {}, make<views::AgreementPage>},
};

}  // namespace

Qt::DockWidgetArea areaOf(PageStack stack, WindowShape shape) {
  switch (stack) {
    case PageStack::Runs:
    case PageStack::Grid:
      return Qt::LeftDockWidgetArea;
    case PageStack::Details:
    case PageStack::Charts:
      return shape == WindowShape::Wide ? Qt::RightDockWidgetArea : Qt::BottomDockWidgetArea;
    case PageStack::Wide:
      return Qt::BottomDockWidgetArea;
  }
  fail("stack of pages {} is unknown", static_cast<int>(stack));
}

std::span<const PageRow> pageTable() {
  return kPages;
}

}  // namespace kvatlas::app
