// The half of view_state.h that knows the selection.
#include "views/models/document/selection.h"
#include "views/models/document/view_state.h"

namespace kvatlas::views {

ViewState viewStateOf(const Selection& selection) {
  ViewState state;
  state.layer = selection.layer();
  state.head = selection.head();
  state.reduction = selection.reduction();
  state.cursor = selection.cursor();
  state.keys = selection.keyRange();
  state.focus = isWhatIf(selection.focusRun()) ? kNoRun : selection.focusRun();
  state.compare = isWhatIf(selection.compareRun()) ? kNoRun : selection.compareRun();
  state.step = selection.step();
  for (const RunId id : selection.hiddenRuns())
    if (!isWhatIf(id)) state.hidden.insert(id);
  return state;
}

void apply(const ViewState& state, Selection& selection) {
  selection.setLayer(state.layer);
  selection.setHead(state.head);
  selection.setReduction(state.reduction);
  selection.setKeyRange(state.keys);
  selection.setCursor(state.cursor);
  if (state.focus != kNoRun) selection.setFocusRun(state.focus);
  selection.setCompareRun(state.compare);
  const std::set<RunId> hidden = selection.hiddenRuns();
  for (const RunId id : hidden) selection.setHidden(id, state.hidden.contains(id));
  for (const RunId id : state.hidden) selection.setHidden(id, true);
  selection.setStep(state.step);
}

}  // namespace kvatlas::views
