// Whether a record is the one that the plan wants at a place; knows records and settings only.
#pragma once

#include "core/results/record.h"
#include "core/results/settings.h"

namespace kvatlas::results {

inline bool isOfCase(const Record& record, const Case& expected) {
  return record.case_id == expected.id && record.facets == expected.facets;
}

inline bool isOfBranch(const Record& record, const Branch& expected) {
  return record.method == expected.method && record.label == expected.label && record.budget == expected.budget;
}

}  // namespace kvatlas::results
