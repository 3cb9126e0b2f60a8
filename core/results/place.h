// Whether a record is the one that the plan wants at a place; knows records and settings only.
#pragma once

#include "core/results/record.h"
#include "core/results/settings.h"

namespace kvatlas::results {

inline bool isOfCase(const NeedleRecord& record, const Case& expected) {
  return record.case_id == expected.id && record.length == expected.length && record.depth == expected.depth &&
         record.kind == expected.kind && record.trial == expected.trial;
}

inline bool isOfBranch(const NeedleRecord& record, const Branch& expected) {
  return record.method == expected.method && record.label == expected.label && record.budget == expected.budget;
}

}  // namespace kvatlas::results
