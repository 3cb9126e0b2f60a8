// Everything is kept, and every query reads the best pages of what its list holds (Quest, Tang et al.,
// arXiv:2406.10774): see page_reading.h.
#include "core/policy/parameters.h"
#include "core/policy/rows.h"

namespace kvatlas::policy {
namespace {

constexpr ParameterSpec kParameters[] = {kPageParameter, kGroupParameter, kEvictParameter};

Reason reason(const Setting&, TokenIndex) {
  return Reason::Everything;
}

}  // namespace

SelectPart pagesSelection() {
  return {.name = "pages",
          .meaning =
              "every position; each query reads the pages that can have its largest logits, as many tokens as "
              "allocated",
          .parameters = kParameters,
          .reads_scores = false,
          .reads_pages = true,
          .reason = reason};
}

}  // namespace kvatlas::policy
